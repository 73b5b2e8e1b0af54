package counter

import "github.com/mileusna/useragent"

// The values of the dimension device. A tablet that asks for desktop pages,
// as an iPad does by default, calls itself a desktop.
const (
	deviceDesktop = "desktop"
	deviceMobile  = "mobile"
	deviceTablet  = "tablet"
	deviceTV      = "tv" // television sets, their boxes and game consoles
)

// otherFamily is a browser or an OS that is none of those known.
const otherFamily = "other"

// deviceOf returns the device of a human's agent, given in lower case and
// parsed; empty when the agent does not tell.
func deviceOf(low []byte, ua *useragent.UserAgent) string {
	switch {
	case containsAny(low, "smart-tv", "smarttv", "smart tv", "appletv", "apple tv", "googletv", "google tv", "android tv",
		"hbbtv", "netcast", "web0s", "bravia", "; aft", "roku", "crkey", "dtv", "tizen/tv", "tv safari",
		"playstation", "xbox", "nintendo wii"):
		return deviceTV
	case contains(low, "ipad"), contains(low, "tablet") && !contains(low, "tablet pc"), containsAny(low, "kindle", "silk/"):
		return deviceTablet
	case contains(low, "windows phone"):
		return deviceMobile
	case contains(low, "android") && !contains(low, "mobi") && contains(low, "chrome/"):
		return deviceTablet // Chrome says Mobile on telephones only
	case ua.Mobile, containsAny(low, "mobi", "iphone", "ipod", "midp", "symbian", "kaios"):
		return deviceMobile
	case ua.Tablet:
		return deviceTablet
	case ua.Desktop, containsAny(low, "windows", "macintosh", "x11", "linux", "cros "):
		return deviceDesktop
	}
	return ""
}

// family names what an agent holds: the value of the first text found.
type family struct{ text, name string }

// browserMarks are the marks of browsers that the library takes for something
// else: in-app browsers, which a page about social networks wants to see by
// name, and browsers that call themselves Chrome or Safari as well.
var browserMarks = [...]family{
	{"instagram", "Instagram app"},
	{"barcelona ", "Threads app"},
	{"musical_ly", "TikTok app"},
	{"bytedancewebview", "TikTok app"},
	{"trill_", "TikTok app"},
	{"messengerforios", "Messenger app"},
	{"orca-android", "Messenger app"},
	{"fban/", "Facebook app"},
	{"fbav/", "Facebook app"},
	{"fb_iab", "Facebook app"},
	{"fbios", "Facebook app"},
	{"metaiab", "Facebook app"},
	{"twitter for ", "Twitter app"},
	{"twitterandroid", "Twitter app"},
	{"linkedinapp", "LinkedIn app"},
	{"pinterest/", "Pinterest app"},
	{"snapchat", "Snapchat app"},
	{"kakaotalk", "KakaoTalk app"},
	{" line/", "LINE app"},
	{"micromessenger", "WeChat app"},
	{"viber", "Viber app"},
	{"telegram", "Telegram app"},
	{"reddit/", "Reddit app"},
	{"flipboard", "Flipboard app"},
	{"naver(", "Naver app"},
	{"zalo ", "Zalo app"},
	{" gsa/", "Google app"},
	{"googleapp/", "Google app"},
	{"duckduckgo/", "DuckDuckGo"},
	{"ddg/", "DuckDuckGo"},
	{"samsungbrowser", "Samsung Browser"},
	{"miuibrowser", "Miui Browser"},
	{"huaweibrowser", "Huawei Browser"},
	{"heytapbrowser", "HeyTap Browser"},
	{"vivobrowser", "vivo Browser"},
	{"yabrowser", "Yandex Browser"},
	{"yasearchbrowser", "Yandex Browser"},
	{"ucbrowser", "UC Browser"},
	{"ucweb", "UC Browser"},
	{"qqbrowser", "QQ Browser"},
	{"baidubox", "Baidu app"},
	{"whale/", "Whale"},
	{"silk/", "Silk"},
	{"vivaldi", "Vivaldi"},
	{"brave", "Brave"},
	{"ecosia", "Ecosia"},
	{"puffin/", "Puffin"},
	{"focus/", "Firefox"},
	{"klar/", "Firefox"},
	{"fxios/", "Firefox"},
	{"crios/", "Chrome"},
	{"edgios/", "Edge"},
	{"edga/", "Edge"},
	{"edg/", "Edge"},
	{"edge/", "Edge"},
	{"opr/", "Opera"},
	{"opt/", "Opera"},
	{"opios/", "Opera"},
	{"opera", "Opera"},
	{"seamonkey/", "SeaMonkey"},
	{"palemoon/", "Pale Moon"},
	{"msie ", "Internet Explorer"},
	{"trident/", "Internet Explorer"},
}

// browserNames are the library's names for what has no mark above.
var browserNames = map[string]string{
	useragent.Chrome:           "Chrome",
	useragent.Firefox:          "Firefox",
	useragent.Safari:           "Safari",
	useragent.Edge:             "Edge",
	useragent.Opera:            "Opera",
	useragent.OperaMini:        "Opera",
	useragent.OperaTouch:       "Opera",
	useragent.InternetExplorer: "Internet Explorer",
	useragent.BlackBerry:       "BlackBerry Browser",
	useragent.NetFront:         "NetFront",
	"Android browser":          "Android Browser",
}

// browserOf returns the family of the browser of a human's agent, given in
// lower case and parsed. A browser without a name of its own here counts to
// the family whose engine it names.
func browserOf(low []byte, ua *useragent.UserAgent) string {
	for i := range browserMarks {
		if contains(low, browserMarks[i].text) {
			return browserMarks[i].name
		}
	}
	if name, ok := browserNames[ua.Name]; ok {
		return name
	}
	switch {
	case containsAny(low, "chrome/", "chromium/"):
		return "Chrome"
	case contains(low, "firefox/"):
		return "Firefox"
	case contains(low, "applewebkit") && containsAny(low, "iphone", "ipad", "macintosh"):
		return "Safari" // a web view of an app
	}
	return otherFamily
}

// osMarks are the marks of systems that the library takes for Linux, Android
// or nothing.
var osMarks = [...]family{
	{"windows phone", "Windows Phone"},
	{"harmony", "HarmonyOS"},
	{"kaios", "KaiOS"},
	{"tizen", "Tizen"},
	{"web0s", "webOS"},
	{"playstation", "PlayStation"},
	{"nintendo", "Nintendo"},
	{"symbian", "Symbian"},
	{"bb10", "BlackBerry"},
	{"blackberry", "BlackBerry"},
	{"ipod", "iOS"},
}

// osNames are the library's names for systems.
var osNames = map[string]string{
	useragent.Windows:      "Windows",
	useragent.WindowsPhone: "Windows Phone",
	useragent.MacOS:        "macOS",
	useragent.IOS:          "iOS",
	useragent.Android:      "Android",
	useragent.ChromeOS:     "ChromeOS",
	useragent.Linux:        "Linux",
	useragent.FreeBSD:      "BSD",
	useragent.BlackBerry:   "BlackBerry",
	useragent.Harmony:      "HarmonyOS",
}

// osOf returns the family of the operating system of a human's agent, given in
// lower case and parsed.
func osOf(low []byte, ua *useragent.UserAgent) string {
	for i := range osMarks {
		if contains(low, osMarks[i].text) {
			return osMarks[i].name
		}
	}
	if name, ok := osNames[ua.OS]; ok {
		return name
	}
	switch {
	case contains(low, "android"):
		return "Android"
	case contains(low, "windows"):
		return "Windows"
	case containsAny(low, "cros "):
		return "ChromeOS"
	case contains(low, "iphone"):
		return "iOS"
	case containsAny(low, "macintosh", "mac os x"):
		return "macOS"
	case containsAny(low, "openbsd", "netbsd", "freebsd"):
		return "BSD"
	case contains(low, "linux"), contains(low, "x11"):
		return "Linux"
	}
	return otherFamily
}
