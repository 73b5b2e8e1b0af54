package counter

import (
	"fmt"
	"strings"
	"testing"

	"herald.example/internal/link"
)

// agentCases are agents as they are seen in the wild, with their class and rule.
var agentCases = []struct {
	name, agent string
	class       link.Class
	rule        string
}{
	// Link previews.
	{"Facebook", "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", link.Preview, "agent: facebookexternalhit"},
	{"Facebook, bare", "facebookexternalhit/1.1", link.Preview, "agent: facebookexternalhit"},
	{"Facebook, new form", "Mozilla/5.0 (compatible; Meta-ExternalHit/1.1; +http://www.facebook.com/externalhit_uatext.php)", link.Preview, "agent: facebookexternalhit"},
	{"Facebook catalog", "facebookcatalog/1.0", link.Preview, "agent: facebookcatalog"},
	{"Facebot", "Facebot/1.0", link.Preview, "agent: Facebot"},
	{"Meta fetcher", "meta-externalfetcher/1.1 (+https://developers.facebook.com/docs/sharing/webmasters/crawler)", link.Preview, "agent: meta-externalfetcher"},
	{"iMessage", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_1) AppleWebKit/601.2.4 (KHTML, like Gecko) Version/9.0.1 Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0", link.Preview, "agent: iMessage"},
	{"LINE preview", "facebookexternalhit/1.1;line-poker/1.0", link.Preview, "agent: LINE"},
	{"KakaoTalk preview", "facebookexternalhit/1.1; kakaotalk-scrap/1.0; +https://devtalk.kakao.com/t/scrap/33984", link.Preview, "agent: KakaoTalk"},
	{"Twitter", "Twitterbot/1.0", link.Preview, "agent: Twitterbot"},
	{"Telegram", "TelegramBot (like TwitterBot)", link.Preview, "agent: TelegramBot"},
	{"LinkedIn", "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)", link.Preview, "agent: LinkedInBot"},
	{"Slack", slackbot, link.Preview, "agent: Slackbot"},
	{"Slack pictures", "Slack-ImgProxy 0.66 (+https://api.slack.com/robots)", link.Preview, "agent: Slackbot"},
	{"WhatsApp, Android", "WhatsApp/2.19.330 A", link.Preview, "agent: WhatsApp"},
	{"WhatsApp, iOS", "WhatsApp/2.12.15/i", link.Preview, "agent: WhatsApp"},
	{"Signal", "WhatsApp/2", link.Preview, "agent: WhatsApp"},
	{"Discord", "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)", link.Preview, "agent: Discordbot"},
	{"Skype", "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5", link.Preview, "agent: Skype"},
	{"Microsoft", "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; MicrosoftPreview/2.0; +https://aka.ms/MicrosoftPreview) Chrome/80.0.345.0 Safari/537.36", link.Preview, "agent: MicrosoftPreview"},
	{"Bing", "Mozilla/5.0 (iPhone; CPU iPhone OS 7_0 like Mac OS X) AppleWebKit/537.51.1 (KHTML, like Gecko) Version/7.0 Mobile/11A465 Safari/9537.53 BingPreview/1.0b", link.Preview, "agent: BingPreview"},
	{"Mastodon 4.2", "http.rb/5.1.1 (Mastodon/4.2.10; +https://mastodon.example/)", link.Preview, "agent: Mastodon"},
	{"Mastodon 4.3", "Mastodon/4.3.0 (http.rb/5.2.0; +https://mastodon.example/) Bot", link.Preview, "agent: Mastodon"},
	{"Pleroma", "Pleroma 2.6.2; https://pleroma.example <admin@pleroma.example>", link.Preview, "agent: Pleroma"},
	{"Akkoma", "Akkoma 3.13.2; https://akkoma.example <admin@akkoma.example>", link.Preview, "agent: Akkoma"},
	{"Misskey", "Misskey/2024.8.0 (https://misskey.example)", link.Preview, "agent: Misskey"},
	{"Misskey previews", "SummalyBot/5.1.0", link.Preview, "agent: Misskey"},
	{"Friendica", "Friendica 'The Tazmans Flax-lily' 2019.01-1293; https://friendica.example", link.Preview, "agent: Friendica"},
	{"Lemmy", "Lemmy/0.19.8; +https://lemmy.example", link.Preview, "agent: Lemmy"},
	{"Bluesky", "Mozilla/5.0 (compatible; Bluesky Cardyb/1.1; +mailto:support@bsky.app)", link.Preview, "agent: Bluesky"},
	{"Bluesky, bare", "Bluesky Cardyb/1.1", link.Preview, "agent: Bluesky"},
	{"Iframely", "Iframely/1.3.1 (+https://iframely.com/docs/about) Atlassian", link.Preview, "agent: Iframely"},
	{"Embedly", "Mozilla/5.0 (compatible; Embedly/0.2; +http://support.embed.ly/)", link.Preview, "agent: Embedly"},
	{"Reddit", "Mozilla/5.0 (compatible; redditbot/1.0; +http://www.reddit.com/feedback)", link.Preview, "agent: redditbot"},
	{"Pinterest", "Mozilla/5.0 (compatible; Pinterestbot/1.0; +http://www.pinterest.com/bot.html)", link.Preview, "agent: Pinterestbot"},
	{"Pinterest, old", "Pinterest/0.2 (+http://www.pinterest.com/bot.html)", link.Preview, "agent: Pinterestbot"},
	{"VK", "Mozilla/5.0 (compatible; vkShare; +http://vk.com/dev/Share)", link.Preview, "agent: vkShare"},
	{"Odnoklassniki", "Mozilla/5.0 (compatible; OdklBot/1.0 like Linux; klass@odnoklassniki.ru)", link.Preview, "agent: OdklBot"},
	{"Viber", "Viber", link.Preview, "agent: Viber"},
	{"Snapchat", "Snap URL Preview Service; bot; snapchat; https://developers.snap.com/robots", link.Preview, "agent: Snapchat"},
	{"Google Messages", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/56.0.2924.87 Safari/537.36 Google-PageRenderer Google (+https://developers.google.com/+/web/snippet/)", link.Preview, "agent: Google preview"},
	{"Google Web Preview", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko; Google Web Preview) Chrome/27.0.1453 Safari/537.36", link.Preview, "agent: Google preview"},
	{"Tumblr", "Tumblr/14.0.835.186", link.Preview, "agent: Tumblr"},
	{"XING", "XING-contenttabreceiver/2.0", link.Preview, "agent: XING"},
	{"Bitly", "bitlybot/3.0 (+http://bit.ly/)", link.Preview, "agent: bitlybot"},
	{"Flipboard proxy", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.9; rv:28.0) Gecko/20100101 Firefox/28.0 (FlipboardProxy/1.1; +http://flipboard.com/browserproxy)", link.Preview, "agent: Flipboard"},
	{"Yahoo", "Mozilla/5.0 (compatible; Yahoo Link Preview; https://help.yahoo.com/kb/mail/yahoo-link-preview-SLN23615.html)", link.Preview, "agent: Yahoo"},
	{"Nextcloud", "Nextcloud Server Crawler", link.Preview, "agent: Nextcloud"},
	{"Nextcloud, new form", "Nextcloud-Server-Crawler/34.0.1", link.Preview, "agent: Nextcloud"},
	{"Matrix", "Synapse (bot; +https://github.com/matrix-org/synapse)", link.Preview, "agent: Matrix"},
	{"Mattermost", "Mattermost-Bot/1.1", link.Preview, "agent: Mattermost"},
	{"Discourse", "Discourse Forum Onebox v3.3.0.beta1-dev", link.Preview, "agent: Discourse"},
	{"Notion", "Notion/1.0 (https://notion.so; team@makenotion.com)", link.Preview, "agent: Notion"},
	{"TikTok preview", "Mozilla/5.0 (Linux; Android 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Mobile Safari/537.36 (compatible; TikTokSpider; ttspider-feedback@tiktok.com)", link.Preview, "agent: TikTok"},
	{"Gmail pictures", "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)", link.Preview, "agent: image proxy"},
	{"Outlook before the browser", "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 6.1; WOW64; Trident/7.0; SLCC2; Microsoft Outlook 14.0.7113; ms-office; MSOffice 14)", link.Preview, "agent: Microsoft Office"},
	{"Word before the browser", "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Word 16.0.10325; Pro)", link.Preview, "agent: Microsoft Office"},
	{"unknown preview", "Orlo-LinkPreview/1.0", link.Preview, "agent: preview"},
	{"unknown unfurler", "ClickUpLinkUnfurler/1.0 (+https://clickup.com)", link.Preview, "agent: preview"},

	// Crawlers.
	{"Googlebot", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", link.Crawler, "agent: Googlebot"},
	{"Googlebot, telephone", "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/41.0.2272.96 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", link.Crawler, "agent: Googlebot"},
	{"Google ads", "AdsBot-Google (+http://www.google.com/adsbot.html)", link.Crawler, "agent: Google"},
	{"Bing search", "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm) Safari/537.36", link.Crawler, "agent: bingbot"},
	{"Applebot", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/13.1.1 Safari/605.1.15 (Applebot/0.1; +http://www.apple.com/go/applebot)", link.Crawler, "agent: Applebot"},
	{"Yandex", "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)", link.Crawler, "agent: Yandex"},
	{"DuckDuckGo", "DuckDuckBot/1.1; (+http://duckduckgo.com/duckduckbot.html)", link.Crawler, "agent: DuckDuckBot"},
	{"Baidu", "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)", link.Crawler, "agent: Baiduspider"},
	{"Petal", "Mozilla/5.0 (Linux; Android 7.0;) AppleWebKit/537.36 (KHTML, like Gecko) Mobile Safari/537.36 (compatible; PetalBot;+https://webmaster.petalsearch.com/site/petalbot)", link.Crawler, "agent: PetalBot"},
	{"Slurp", "Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/help/us/ysearch/slurp)", link.Crawler, "agent: Yahoo Slurp"},
	{"Naver", "Mozilla/5.0 (compatible; Yeti/1.1; +http://naver.me/spd)", link.Crawler, "agent: Naver Yeti"},
	{"LINE search", "Mozilla/5.0 (compatible; Linespider/1.1; +https://lin.ee/4dwXkTH)", link.Crawler, "agent: spider"},
	{"Bytespider", "Mozilla/5.0 (Linux; Android 6.0; Nexus 5 Build/MRA58N) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/51.0.5668.1446 Mobile Safari/537.36; Bytespider;bytespider@bytedance.com", link.Crawler, "agent: Bytespider"},
	{"GPTBot", "Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)", link.Crawler, "agent: GPTBot"},
	{"ChatGPT", "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ChatGPT-User/1.0; +https://openai.com/bot)", link.Crawler, "agent: ChatGPT-User"},
	{"Meta's training", "meta-externalagent/1.1 (+https://developers.facebook.com/docs/sharing/webmasters/crawler)", link.Crawler, "agent: meta-externalagent"},
	{"Common Crawl", "CCBot/2.0 (http://commoncrawl.org/faq/)", link.Crawler, "agent: CCBot"},
	{"Ahrefs", "Mozilla/5.0 (compatible; AhrefsBot/5.0; +http://ahrefs.com/robot/)", link.Crawler, "agent: AhrefsBot"},
	{"Semrush", "Mozilla/5.0 (compatible; SemrushBot/0.97; +http://www.semrush.com/bot.html)", link.Crawler, "agent: SemrushBot"},
	{"bot with a version", "Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)", link.Crawler, "agent: Pingdom"},
	{"robot", "AddThis.com robot tech.support@clearspring.com", link.Crawler, "agent: bot"},
	{"bots", "AwarioSmartBot/1.0 (+https://awario.com/bots.html; bots@awario.com)", link.Crawler, "agent: bot"},
	{"bot behind a Cubot", "Mozilla/5.0 (Linux; Android 6.0; CUBOT MAX) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/72.0.3626.121 Mobile Safari/537.36 ExampleBot/1.0", link.Crawler, "agent: bot"},
	{"bot with an address behind", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) (dbot)", link.Crawler, "agent: bot"},
	{"scraper", "Scrapy/1.0.3.post6+g2d688cd (+http://scrapy.org)", link.Crawler, "agent: scraper"},
	{"feed reader", "Feedly/1.0 (+http://www.feedly.com/fetcher.html; like FeedFetcher-Google)", link.Crawler, "agent: fetcher"},
	{"RSS reader", "FreshRSS/1.12.0 (Linux; https://freshrss.org)", link.Crawler, "agent: web address"},
	{"says compatible", "Mozilla/5.0 (compatible; evc-batch/2.0)", link.Crawler, "agent: compatible"},
	{"names no platform", "Mozilla/5.0 (Java) outbrain", link.Crawler, "agent: no platform"},
	{"one word", "Hexometer", link.Crawler, "agent: no platform"},
	{"bare Mozilla", "Mozilla/5.0", link.Crawler, "agent: no platform"},

	// Watchers and browsers without a human.
	{"UptimeRobot", "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)", link.Crawler, "agent: UptimeRobot"},
	{"StatusCake", "Mozilla/5.0 (Windows NT 6.2; WOW64) AppleWebKit/537.4 (KHTML, like Gecko) Chrome/98 Safari/537.4 (StatusCake)", link.Crawler, "agent: StatusCake"},
	{"Nagios", "check_http/v2.2.1 (nagios-plugins 2.2.1)", link.Crawler, "agent: monitoring"},
	{"Kubernetes", "kube-probe/1.15", link.Crawler, "agent: monitoring"},
	{"Lighthouse", "Mozilla/5.0 (Linux; Android 7.0; Moto G (4)) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/84.0.4143.7 Mobile Safari/537.36 Chrome-Lighthouse", link.Crawler, "agent: monitoring"},
	{"WebPageTest", "Mozilla/5.0 (Linux; Android 6.0.1; Moto G (4) Build/MPJ24.139-64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/65.0.3325.146 Mobile Safari/537.36 PTST/180829.190838", link.Crawler, "agent: monitoring"},
	{"headless Chrome", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/100.0.4896.88 Safari/537.36", link.Crawler, "agent: headless browser"},

	// Programs.
	{"curl inside", "my-job (curl/8.5.0)", link.Crawler, "agent: curl"},
	{"wget inside", "mirror Wget", link.Crawler, "agent: wget"},
	{"requests", "python-requests/2.32.3", link.Crawler, "agent: Python"},
	{"urllib", "Python-urllib/3.7", link.Crawler, "agent: Python"},
	{"Go", "Go-http-client/2.0", link.Crawler, "agent: Go"},
	{"okhttp", "okhttp/4.12.0", link.Crawler, "agent: okhttp"},
	{"Apache client", "Apache-HttpClient/4.5.3-SNAPSHOT (Java/1.8.0_152)", link.Crawler, "agent: http library"},
	{"axios", "axios/0.21.4", link.Crawler, "agent: http library"},
	{"Perl", "libwww-perl/6.04", link.Crawler, "agent: http library"},
	{"Guzzle", "GuzzleHttp/7", link.Crawler, "agent: http library"},
	{"Postman", "PostmanRuntime/7.29.0", link.Crawler, "agent: http library"},
	{"WordPress", "WordPress/4.7.2; https://example.com", link.Crawler, "agent: WordPress"},
	{"iOS app, not its web view", "NewsBlur/4.0.1 CFNetwork/672.1.13 Darwin/14.0.0", link.Crawler, "agent: CFNetwork"},
	{"Android app, not its web view", "Dalvik/2.1.0 (Linux; U; Android 9; SM-G965U Build/PPR1.180610.011)", link.Crawler, "agent: Dalvik"},

	// Nobody.
	{"empty", "", link.NoAgent, RuleNoAgent},
	{"blank", "   ", link.NoAgent, RuleNoAgent},
	{"dash", "-", link.NoAgent, RuleNoAgent},
	{"number", "123", link.NoAgent, RuleNoAgent},
	{"control characters", "\x00\x01\x7f", link.NoAgent, RuleNoAgent},
}

func TestAgentTraitsOfMachines(t *testing.T) {
	for _, test := range agentCases {
		t.Run(test.name, func(t *testing.T) {
			want := Traits{Class: test.class, Rule: test.rule}
			if got := AgentTraits([]byte(test.agent)); got != want {
				t.Errorf("%s\ngot %+v; want %+v", test.agent, got, want)
			}
		})
	}
}

func TestAgentTraitsOfHumans(t *testing.T) {
	tests := []struct{ name, agent, device, browser, os string }{
		{"Chrome, Windows", chromeWindows, "desktop", "Chrome", "Windows"},
		{"Chrome, macOS", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/100.0.4758.102 Safari/537.36", "desktop", "Chrome", "macOS"},
		{"Chrome, Linux", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/44.0.2403.157 Safari/537.36", "desktop", "Chrome", "Linux"},
		{"Chrome, Chromebook", "Mozilla/5.0 (X11; CrOS x86_64 13904.66.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/91.0.4472.114 Safari/537.36", "desktop", "Chrome", "ChromeOS"},
		{"Chrome, Android", "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36", "mobile", "Chrome", "Android"},
		{"Chrome, Android tablet", "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36", "tablet", "Chrome", "Android"},
		{"Chrome, iPhone", "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1", "mobile", "Chrome", "iOS"},
		{"Cubot", "Mozilla/5.0 (Linux; Android 6.0; CUBOT MAX) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/72.0.3626.121 Mobile Safari/537.36", "mobile", "Chrome", "Android"},
		{"Cubot P20", "Mozilla/5.0 (Linux; Android 8.0.0; CUBOT_P20) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/70.0.3538.110 Mobile Safari/537.36", "mobile", "Chrome", "Android"},
		{"Cubot with Opera", "Mozilla/5.0 (Linux; Android 4.2.2; CUBOT C11 Build/JDQ39) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/31.0.1650.57 Mobile Safari/537.36 OPR/18.0.1290.66961", "mobile", "Opera", "Android"},
		{"bot within words", "Mozilla/5.0 (Linux; Android 9; Abbott Botany) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/72.0.3626.121 Mobile Safari/537.36", "mobile", "Chrome", "Android"},
		{"Safari, macOS", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_14_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/12.1.1 Safari/605.1.15", "desktop", "Safari", "macOS"},
		{"Safari, iPhone", "Mozilla/5.0 (iPhone; CPU iPhone OS 13_2_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/13.0.3 Mobile/15E148 Safari/604.1", "mobile", "Safari", "iOS"},
		{"Safari, iPad", "Mozilla/5.0 (iPad; CPU OS 12_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/12.1 Mobile/15E148 Safari/604.1", "tablet", "Safari", "iOS"},
		{"web view, iPhone", "Mozilla/5.0 (iPhone; CPU iPhone OS 12_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148", "mobile", "Safari", "iOS"},
		{"Firefox, Windows", "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:100.0) Gecko/20100101 Firefox/100.0", "desktop", "Firefox", "Windows"},
		{"Firefox, Linux", "Mozilla/5.0 (X11; Ubuntu; Linux i686; rv:24.0) Gecko/20100101 Firefox/24.0", "desktop", "Firefox", "Linux"},
		{"Firefox, Android", "Mozilla/5.0 (Android 9; Mobile; rv:78.0) Gecko/78.0 Firefox/78.0", "mobile", "Firefox", "Android"},
		{"Firefox, Android tablet", "Mozilla/5.0 (Android 13; Tablet; rv:109.0) Gecko/109.0 Firefox/117.0", "tablet", "Firefox", "Android"},
		{"Firefox, iPhone", "Mozilla/5.0 (iPhone; CPU iPhone OS 13_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/20.0 Mobile/15E148 Safari/605.1.15", "mobile", "Firefox", "iOS"},
		{"Edge", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/81.0.4044.113 Safari/537.36 Edg/81.0.416.62", "desktop", "Edge", "Windows"},
		{"Edge, old", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/64.0.3282.140 Safari/537.36 Edge/17.17134", "desktop", "Edge", "Windows"},
		{"Edge, iPhone", "Mozilla/5.0 (iPhone; CPU iPhone OS 13_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/13.0 EdgiOS/44.10.19 Mobile/15E148 Safari/605.1.15", "mobile", "Edge", "iOS"},
		{"Opera", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_12_6) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/79.0.3945.130 Safari/537.36 OPR/66.0.3515.72", "desktop", "Opera", "macOS"},
		{"Opera Mini", "Opera/9.80 (Android; Opera Mini/12.0.1987/37.7327; U; pl) Presto/2.12.423 Version/12.16", "mobile", "Opera", "Android"},
		{"Samsung Browser", "Mozilla/5.0 (Linux; Android 9; SAMSUNG SM-G960U) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/10.2 Chrome/71.0.3578.99 Mobile Safari/537.36", "mobile", "Samsung Browser", "Android"},
		{"Internet Explorer 11", "Mozilla/5.0 (Windows NT 6.3; WOW64; Trident/7.0; TNJB; rv:11.0) like Gecko", "desktop", "Internet Explorer", "Windows"},
		{"Internet Explorer 6", "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1; SV1; .NET CLR 1.1.4322)", "desktop", "Internet Explorer", "Windows"},
		{"Internet Explorer, Tablet PC", "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 6.1; Trident/4.0; InfoPath.2; Tablet PC 2.0)", "desktop", "Internet Explorer", "Windows"},
		{"Windows Phone", "Mozilla/5.0 (Windows Phone 10.0; Android 6.0.1; Microsoft; Lumia 650) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/52.0.2743.116 Mobile Safari/537.36 Edge/15.15254", "mobile", "Edge", "Windows Phone"},
		{"Konqueror", "Mozilla/5.0 (compatible; Konqueror/4.4; Linux) KHTML/4.4.5 (like Gecko) Kubuntu", "desktop", "other", "Linux"},
		{"Vivaldi", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/78.0.3904.99 Safari/537.36 Vivaldi/2.9.1705.41", "desktop", "Vivaldi", "Windows"},
		{"Yandex Browser", "Mozilla/5.0 (Windows NT 6.1) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/59.0.3071.125 YaBrowser/17.7.1.791 Yowser/2.5 Safari/537.36", "desktop", "Yandex Browser", "Windows"},
		{"Brave", "Mozilla/5.0 (Linux; Android 9; Nokia 7 plus) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/74.0.3729.157 Mobile Safari/537.36 Brave/74", "mobile", "Brave", "Android"},
		{"DuckDuckGo", "Mozilla/5.0 (Linux; Android 10) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/84.0.4147.111 Mobile DuckDuckGo/5 Safari/537.36", "mobile", "DuckDuckGo", "Android"},
		{"Ecosia, with an at sign", "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4.1 Mobile/15E148 Safari/604.1 (Ecosia ios@9.2.3.1367)", "mobile", "Ecosia", "iOS"},
		{"Huawei, HarmonyOS", "Mozilla/5.0 (Linux; Android 12; HarmonyOS; TET-AN00; HMSCore 6.12.4.312) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/99.0.4844.88 HuaweiBrowser/14.0.5.301 Mobile Safari/537.36", "mobile", "Huawei Browser", "HarmonyOS"},
		{"Pixel", "Mozilla/5.0 (Linux; Android 7.1.2; google Pixel 2) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/104.0.0.0 Mobile Safari/537.36", "mobile", "Chrome", "Android"},
		{"unknown Chromium", "Mozilla/5.0 (Windows NT 10.0; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Quaint/1.0 Chrome/68.0.3440.106 Safari/537.36 Sleipnir/6.2.14", "desktop", "Chrome", "Windows"},
		{"Facebook in-app, iPhone", "Mozilla/5.0 (iPhone; CPU iPhone OS 13_3_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [FBAN/FBIOS;FBDV/iPhone11,8;FBMD/iPhone;FBSN/iOS;FBSV/13.3.1;FBSS/2;FBID/phone;FBLC/en_US;FBOP/5;FBCR/]", "mobile", "Facebook app", "iOS"},
		{"Facebook in-app, Android", "Mozilla/5.0 (Linux; Android 9; SM-G950U Build/PPR1.180610.011; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/80.0.3987.149 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/263.0.0.46.121;]", "mobile", "Facebook app", "Android"},
		{"Facebook in-app, 2026", "Mozilla/5.0 (Linux; Android 16; Pixel 10 Pro XL Build/CP1A.260305.018; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/146.0.7680.174 Mobile Safari/537.36 MetaIAB Facebook", "mobile", "Facebook app", "Android"},
		{"Instagram in-app, iPhone", "Mozilla/5.0 (iPhone; CPU iPhone OS 13_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Instagram 123.1.0.26.115 (iPhone11,8; iOS 13_3; en_US; en-US; scale=2.00; 828x1792; 190542906)", "mobile", "Instagram app", "iOS"},
		{"Instagram in-app, Google Pixel", "Mozilla/5.0 (Linux; Android 11; Pixel 2 Build/RP1A.201005.004.A1; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/91.0.4472.120 Mobile Safari/537.36 Instagram 194.0.0.36.172 Android (30/11; 420dpi; 1080x1878; Google/google; Pixel 2; walleye; walleye; en_US; 301484483)", "mobile", "Instagram app", "Android"},
		{"Twitter in-app", "Mozilla/5.0 (iPhone; CPU iPhone OS 13_3_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/17D50 Twitter for iPhone/8.10", "mobile", "Twitter app", "iOS"},
		{"LinkedIn in-app", "Mozilla/5.0 (iPhone; CPU iPhone OS 12_4_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [LinkedInApp]", "mobile", "LinkedIn app", "iOS"},
		{"Pinterest in-app", "Mozilla/5.0 (Linux; Android 9; STF-L09 Build/HUAWEISTF-L09; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/79.0.3945.79 Mobile Safari/537.36 [Pinterest/Android]", "mobile", "Pinterest app", "Android"},
		{"Snapchat in-app", "Mozilla/5.0 (iPhone; CPU iPhone OS 13_3_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/13.0.5 Mobile/15E148 Snapchat/10.77.5.59 (like Safari/604.1)", "mobile", "Snapchat app", "iOS"},
		{"LINE in-app", "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Safari Line/14.0.0/IAB", "mobile", "LINE app", "iOS"},
		{"WeChat in-app", "Mozilla/5.0 (iPhone; CPU iPhone OS 10_3_3 like Mac OS X) AppleWebKit/603.3.8 (KHTML, like Gecko) Mobile/14G60 wxwork/2.1.5 MicroMessenger/6.3.22", "mobile", "WeChat app", "iOS"},
		{"Viber in-app", "Mozilla/5.0 (Linux; Android 7.1.2; G011A Build/N2G48H; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/66.0.3359.158 Safari/537.36 Viber/11.9.5.8", "tablet", "Viber app", "Android"},
		{"Flipboard in-app", "Mozilla/5.0 (iPad; CPU OS 12_1_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/16C50 Flipboard/4.2.32", "tablet", "Flipboard app", "iOS"},
		{"Naver in-app", "Mozilla/5.0 (iPhone; CPU iPhone OS 17_2_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.2 Mobile/15E148 Safari/605.1 NAVER(inapp; search; 2000; 12.3.6; 14PRO)", "mobile", "Naver app", "iOS"},
		{"TikTok in-app", "Mozilla/5.0 (Linux; Android 10; SM-G973F Build/QQ3A.200805.001; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/85.0.4183.101 Mobile Safari/537.36 trill_2021806060 JsSdk/1.0 NetType/WIFI Channel/googleplay AppName/musical_ly app_version/18.6.6 ByteLocale/fr", "mobile", "TikTok app", "Android"},
		{"Google app", "Mozilla/5.0 (iPhone; CPU iPhone OS 13_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) GSA/102.0.304944559 Mobile/15E148 Safari/604.1", "mobile", "Google app", "iOS"},
		{"Slack's own window", "Mozilla/5.0 (Windows NT 10.0.18362; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Slack/4.4.2 Chrome/78.0.3904.130 Electron/7.2.1 Safari/537.36 Sonic Slack_SSB/4.4.2", "desktop", "Chrome", "Windows"},
		{"Fire tablet", "Mozilla/5.0 (Linux; Android 5.1.1; KFSUWI) AppleWebKit/537.36 (KHTML, like Gecko) Silk/80.5.3 like Chrome/80.0.3987.162 Safari/537.36", "tablet", "Silk", "Android"},
		{"Fire TV", "Mozilla/5.0 (Linux; Android 5.1; AFTS Build/LMY47O) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/41.99900.2250.0242 Safari/537.36", "tv", "Chrome", "Android"},
		{"television", "Mozilla/5.0 (SMART-TV; X11; Linux armv7l) AppleWebKit/537.42 (KHTML, like Gecko) Chromium/25.0.1349.2 Chrome/25.0.1349.2 Safari/537.42", "tv", "Chrome", "Linux"},
		{"console", "Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox One) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/70.0.3538.102 Safari/537.36 Edge/18.18363", "tv", "Edge", "Windows"},
		{"PlayStation", "Mozilla/5.0 (PlayStation 4 5.55) AppleWebKit/601.2 (KHTML, like Gecko)", "tv", "other", "PlayStation"},
		{"telephone with buttons", "Nokia6280/2.0 (03.60) Profile/MIDP-2.0 Configuration/CLDC-1.1", "mobile", "other", "other"},
		{"BlackBerry", "BlackBerry8520/5.0.0.681 Profile/MIDP-2.1 Configuration/CLDC-1.1 VendorID/600", "mobile", "other", "BlackBerry"},
		{"text browser", "Lynx/2.8.9rel.1 libwww-FM/2.14 SSL-MM/1.4.1 GNUTLS/3.6.5", "", "other", "other"},
		{"BSD", "Mozilla/5.0 (X11; OpenBSD amd64) AppleWebKit/605.1.15 (KHTML, like Gecko) Dooble/2.1.9.2", "desktop", "other", "BSD"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			want := Traits{Class: link.Human, Rule: RuleBrowser, Device: test.device, Browser: test.browser, OS: test.os}
			if got := AgentTraits([]byte(test.agent)); got != want {
				t.Errorf("%s\ngot %+v; want %+v", test.agent, got, want)
			}
		})
	}
}

// Tools that a person types an address into count, under their own rule.
func TestTypedToolsAreHuman(t *testing.T) {
	for agent, rule := range map[string]string{
		"curl/8.5.0": "typed: curl", "Wget/1.21.4": "typed: wget", "HTTPie/3.2.2": "typed: HTTPie",
	} {
		want := Traits{Class: link.Human, Rule: rule, Browser: otherFamily, OS: otherFamily}
		if got := AgentTraits([]byte(agent)); got != want {
			t.Errorf("%s: got %+v; want %+v", agent, got, want)
		}
	}
}

// Only the first maxAgent bytes are looked at, whatever follows.
func TestAgentTraitsAreBounded(t *testing.T) {
	human := chromeWindows + strings.Repeat(" ", maxAgent-len(chromeWindows))
	if got := AgentTraits([]byte(human + " Googlebot/2.1")); got.Class != link.Human {
		t.Errorf("bot behind %d bytes: got %s; want %s", maxAgent, got.Class, link.Human)
	}
	if got := AgentTraits([]byte(strings.Repeat(" ", maxAgent-9) + "Googlebot" + strings.Repeat(" ", 1<<20))); got.Class != link.Crawler {
		t.Errorf("bot within %d bytes: got %s; want %s", maxAgent, got.Class, link.Crawler)
	}
}

// The tables hold what the code that reads them expects.
func TestAgentRulesAreWellFormed(t *testing.T) {
	texts := map[string]bool{}
	for _, r := range agentRules {
		if r.text == "" || r.text != strings.ToLower(r.text) {
			t.Errorf("rule %q: got text %q; want lower case", r.rule, r.text)
		}
		if r.class != link.Preview && r.class != link.Crawler && (r.class != link.Human || r.place != atStart) {
			t.Errorf("rule %q: got class %s; want %s or %s, or a human's tool at the start", r.rule, r.class, link.Preview, link.Crawler)
		}
		start := "agent: "
		if r.class == link.Human {
			start = "typed: "
		}
		if !strings.HasPrefix(r.rule, start) || len(r.rule) > 40 {
			t.Errorf("got rule %q; want a short one that starts with %q", r.rule, start)
		}
		if key := fmt.Sprint(r.text, r.place); texts[key] {
			t.Errorf("text %q stands in two rules", r.text)
		} else {
			texts[key] = true
		}
	}
	for _, marks := range [][]family{browserMarks[:], osMarks[:]} {
		for _, m := range marks {
			if m.text != strings.ToLower(m.text) {
				t.Errorf("mark of %s: got %q; want lower case", m.name, m.text)
			}
		}
	}
}
