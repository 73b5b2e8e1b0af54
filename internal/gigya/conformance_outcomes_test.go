package gigya

// evil leads where no site of these tests approves it.
const evil = `{"title":"Hello","linkBack":"https://evil.example.net/"}`

// outcomeRows are the rows of the contract's section 10, in its order.
var outcomeRows = []conformant{
	{"10_1_all_succeed", func(c *conversation) {
		c.connect("user-1", "facebook", "twitter")
		c.send("two providers", c.act("user-1", hello), posted(2)).entries("facebook 0", "twitter 0")
		c.connect("user-2", "sina", "renren", "vkontakte", "linkedin", "twitter", "facebook")
		c.send("all six, in the canonical order", c.act("user-2", gardens, "tags", "a,b", "cid", "home page"), posted(6)).
			entries("facebook 0", "twitter 0", "linkedin 0", "vkontakte 0", "renren 0", "sina 0")
		c.connect("user-3", "facebook", "twitter", "linkedin")
		c.send("all that are asked for", c.act("user-3", hello, "enabledProviders", "LinkedIn, twitter,sina", "disabledProviders", "Twitter"), posted(1)).
			entries("linkedin 0")
	}},
	{"10_2_at_least_one_succeeds", func(c *conversation) {
		c.connect("user-1", "facebook", "twitter#simulate:duplicate")
		c.send("one of two", c.act("user-1", hello), posted(1)).entries("facebook 0", "twitter 403024")
		c.connect("user-2", "facebook#simulate:expired", "twitter#simulate:transient", "linkedin#simulate:permission_missing", "sina")
		c.send("the last of four", c.act("user-2", hello), posted(1)).entries("facebook 403009", "twitter 500026", "linkedin 403022", "sina 0")
	}},
	{"10_3_none_succeeds", func(c *conversation) {
		c.connect("user-1", "facebook#simulate:expired", "twitter#simulate:revoked")
		c.send("with one code", c.act("user-1", hello), faulted(codeSession)).entries("facebook 403009", "twitter 403009")
		c.connect("user-2", "twitter#simulate:duplicate", "facebook#simulate:transient", "sina#simulate:refused")
		c.send("with several codes: that of the first provider", c.act("user-2", hello), faulted(codeNetwork)).
			entries("facebook 500026", "twitter 403024", "sina 500023").shows("facebook: ", "twitter")
	}},
	{"10_4_only_unsupported", func(c *conversation) {
		c.connect("user-1", "yahoo", "myspace")
		c.send("the user has no others", c.act("user-1", hello), faulted(codeUnsupported)).entries()
		c.connect("user-2", "yahoo", "facebook")
		c.send("the call asks for no others", c.act("user-2", hello, "enabledProviders", "yahoo"), faulted(codeUnsupported)).entries()
	}},
	{"10_5_unsupported_named", func(c *conversation) {
		c.connect("user-1", "yahoo", "myspace", "facebook")
		c.send("named: section 17, no. 7", c.act("user-1", hello, "enabledProviders", "Yahoo, facebook,twitter"), posted(1)).entries("facebook 0", "yahoo 400096")
		c.connect("user-2", "yahoo", "facebook")
		c.send("not named", c.act("user-2", hello), posted(1)).entries("facebook 0")
	}},
	{"10_6_unsupported_named_and_failure", func(c *conversation) {
		c.connect("user-1", "yahoo", "facebook#simulate:expired")
		c.send("the failure counts", c.act("user-1", hello, "enabledProviders", `["yahoo", "FACEBOOK"]`), faulted(codeSession)).entries("facebook 403009", "yahoo 400096")
	}},
	{"10_7_scope_empty", func(c *conversation) {
		c.lonely("user-1")
		c.send("no connection", c.act("user-1", hello), faulted(codeUnconnected)).entries()
		c.connect("user-2", "facebook", "twitter")
		c.send("filters that remove all", c.act("user-2", hello, "enabledProviders", "facebook,linkedin", "disabledProviders", "facebook"), faulted(codeUnconnected)).entries()
		c.send("all disabled", c.act("user-2", hello, "disabledProviders", "*"), faulted(codeUnconnected)).entries()
		c.send("an unknown provider", c.act("user-2", hello, "enabledProviders", "telepathy"), faulted(codeUnconnected)).entries()
	}},
	{"10_8_request_fault", func(c *conversation) {
		c.connect("user-1", "facebook", "twitter")
		c.settings(trusting("www.example.com/*"))
		wrong := c.act("user-1", hello)
		wrong.secret = userSecret
		c.send("a wrong signature", wrong, unproven(codeSignature)).entries()
		c.send("a bad parameter", c.act("user-1", hello, "shortURLs", "sometimes"), faulted(codeValue)).entries()
		c.send("no user action", c.act("user-1", ""), faulted(codeMissing)).entries().shows("Missing required parameter : userAction", "")
		c.send("a user action that is no JSON", c.act("user-1", "{"), faulted(codeValue)).entries()
		c.send("a user action with nothing in it", c.act("user-1", "{}"), faulted(codeMissing)).entries()
		c.send("an unknown user", c.act("user-9", hello), faulted(codeUser)).entries()
		c.send("a URL that is approved for nobody", c.act("user-1", evil), faulted(codeSpam)).entries()
	}},
}

// lonely makes a user without connections.
func (c *conversation) lonely(uid string) {
	c.Helper()
	if _, _, err := c.directory.EnsureUser(c.Context(), c.site().ID, uid); err != nil {
		c.Fatal(err)
	}
}
