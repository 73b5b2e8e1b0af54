package simulated

import (
	"net/http"

	"herald.example/internal/publish"
)

// words are how a network says no.
type words struct {
	status int
	code   string
	text   string
}

// refusals are the words of the networks, by kind, as contracts of the networks and
// people's reports have them. What a network is not known to say is in anywhere.
var refusals = map[string]map[publish.Kind]words{
	"facebook": {
		publish.AuthExpired:       {400, "190/463", "Error validating access token: Session has expired."},
		publish.AuthRevoked:       {400, "190/458", "Error validating access token: The user has not authorized application."},
		publish.AccountRestricted: {400, "190/459", "Error validating access token: You cannot access the app till you log in and follow the instructions given."},
		publish.PermissionMissing: {403, "200", "(#200) Requires pages_manage_posts permission"},
		publish.RateLimited:       {403, "32", "(#32) Page request limit reached"},
		publish.Duplicate:         {400, "506", "(#506) Duplicate status message"},
		publish.SpamBlocked:       {400, "368", "The action attempted has been deemed abusive or is otherwise disallowed"},
		publish.ContentRejected:   {400, "1346003", "(#368) The content breaks our community standards"},
		publish.TextInvalid:       {400, "100", "(#100) Invalid parameter: message"},
		publish.LinkInvalid:       {400, "1609005", "There was a problem scraping data from the provided link"},
		publish.MediaInvalid:      {400, "324", "(#324) Missing or invalid image file"},
		publish.TargetMissing:     {400, "803", "(#803) Some of the aliases you requested do not exist"},
		publish.Transient:         {503, "2", "(#2) Service temporarily unavailable"},
	},
	"twitter": {
		publish.AuthExpired:       {401, "", "Unauthorized"},
		publish.AuthRevoked:       {401, "", "Unauthorized"},
		publish.PermissionMissing: {403, "oauth1-permissions", "Your client app is not configured with the appropriate oauth1 app permissions for this endpoint."},
		publish.AccountRestricted: {403, "user-suspended", "The user is suspended."},
		publish.RateLimited:       {429, "", "Too Many Requests"},
		publish.QuotaExhausted:    {429, "usage-capped", "Usage cap exceeded: Daily"},
		publish.Duplicate:         {403, "", "You are not allowed to create a Tweet with duplicate content."},
		publish.SpamBlocked:       {403, "226", "This request looks like it might be automated."},
		publish.TextInvalid:       {403, "186", "Tweet needs to be a bit shorter."},
		publish.LinkInvalid:       {403, "", "The Tweet contains an invalid URL."},
		publish.MediaInvalid:      {400, "324", "Your media IDs are invalid."},
		publish.AppMisconfigured:  {403, "client-forbidden", "When authenticating requests, you must use keys and tokens from an app that is attached to a project."},
		publish.Transient:         {503, "130", "Over capacity"},
	},
	"linkedin": {
		publish.AuthExpired:       {401, "EXPIRED_ACCESS_TOKEN", "The token used in the request has expired"},
		publish.AuthRevoked:       {401, "REVOKED_ACCESS_TOKEN", "The token used in the request has been revoked by the user"},
		publish.PermissionMissing: {403, "ACCESS_DENIED", "Not enough permissions to access: partnerApiPostsExternal.CREATE"},
		publish.RateLimited:       {429, "TOO_MANY_REQUESTS", "Resource level throttle limit for calls to this resource is reached."},
		publish.QuotaExhausted:    {429, "TOO_MANY_REQUESTS", "Resource level throttle DAY limit for calls to this resource is reached."},
		publish.Duplicate:         {422, "DUPLICATE_POST", "Content is a duplicate of another share"},
		publish.AppMisconfigured:  {426, "NONEXISTENT_VERSION", "Requested version is not active"},
		publish.TextInvalid:       {400, "", "ShareCommentary text length exceeded"},
		publish.MediaInvalid:      {400, "", "The asset in content.media.id is not valid"},
	},
	"vkontakte": { // whose status is always 200
		publish.AuthExpired:       {200, "5", "User authorization failed: access_token has expired."},
		publish.AuthRevoked:       {200, "5", "User authorization failed: user revoke access for this token."},
		publish.AccountRestricted: {200, "14", "Captcha needed"},
		publish.PermissionMissing: {200, "15", "Access denied"},
		publish.RateLimited:       {200, "6", "Too many requests per second"},
		publish.QuotaExhausted:    {200, "214", "Access to adding post denied: you can only add 50 posts a day"},
		publish.SpamBlocked:       {200, "9", "Flood control"},
		publish.ContentRejected:   {200, "19", "Content blocked"},
		publish.TextInvalid:       {200, "100", "One of the parameters specified was missing or invalid: message is too long"},
		publish.LinkInvalid:       {200, "222", "Hyperlinks are forbidden"},
		publish.MediaInvalid:      {200, "129", "Invalid photo"},
		publish.TargetMissing:     {200, "113", "Invalid user id"},
		publish.AppMisconfigured:  {200, "101", "Invalid application API ID"},
		publish.Transient:         {200, "10", "Internal server error"},
	},
	"sina": {
		publish.AuthExpired:       {403, "21327", "expired_token"},
		publish.AuthRevoked:       {401, "21332", "invalid_access_token"},
		publish.AccountRestricted: {403, "20031", "the user needs to enter a captcha"},
		publish.PermissionMissing: {403, "10014", "Insufficient app permissions"},
		publish.RateLimited:       {403, "10023", "User requests out of rate limit"},
		publish.QuotaExhausted:    {403, "20016", "out of limit"},
		publish.Duplicate:         {400, "20019", "repeat content"},
		publish.ContentRejected:   {400, "20021", "content is illegal"},
		publish.TextInvalid:       {400, "20012", "text too long, please input text less than 140 characters"},
		publish.LinkInvalid:       {400, "20018", "contain illegal website"},
		publish.MediaInvalid:      {400, "20006", "image size too large"},
		publish.TargetMissing:     {400, "20003", "user does not exist"},
		publish.Transient:         {503, "10010", "job expired"},
	},
	"mastodon": {
		publish.AuthRevoked:       {401, "", "The access token was revoked"},
		publish.AccountRestricted: {403, "", "Your login is currently disabled"},
		publish.PermissionMissing: {403, "", "This action is outside the authorized scopes"},
		publish.RateLimited:       {429, "", "Too many requests"},
		publish.TextInvalid:       {422, "", "Validation failed: Text character limit exceeded"},
		publish.MediaInvalid:      {422, "", "Validation failed: File content type is invalid"},
		publish.Transient:         {503, "", "There was a temporary problem serving your request, please try again"},
	},
	"bluesky": {
		publish.AuthExpired:       {400, "ExpiredToken", "Token has expired"},
		publish.AuthRevoked:       {401, "AuthenticationRequired", "Invalid identifier or password"},
		publish.AccountRestricted: {401, "AccountTakedown", "Account has been taken down"},
		publish.PermissionMissing: {403, "InsufficientScope", "Missing required scope"},
		publish.RateLimited:       {429, "RateLimitExceeded", "Rate Limit Exceeded"},
		publish.TextInvalid:       {400, "InvalidRequest", "Record/text must not be longer than 300 graphemes"},
		publish.LinkInvalid:       {400, "InvalidRequest", "Record/embed/external/uri must be a uri"},
		publish.MediaInvalid:      {400, "BlobNotFound", "Could not find blob"},
		publish.Transient:         {502, "UpstreamFailure", "Upstream Failure"},
	},
}

// anywhere are the words of a network of which none are known.
var anywhere = map[publish.Kind]words{
	publish.AuthExpired:       {http.StatusUnauthorized, "", "The access token has expired."},
	publish.AuthRevoked:       {http.StatusUnauthorized, "", "The access token is not valid any more."},
	publish.PermissionMissing: {http.StatusForbidden, "", "The application lacks the permission to post."},
	publish.AccountRestricted: {http.StatusForbidden, "", "The account is locked."},
	publish.RateLimited:       {http.StatusTooManyRequests, "", "Too many requests."},
	publish.QuotaExhausted:    {http.StatusTooManyRequests, "", "The account has reached its limit of posts for today."},
	publish.Duplicate:         {http.StatusConflict, "", "The same text was posted already."},
	publish.SpamBlocked:       {http.StatusForbidden, "", "The request looks automated."},
	publish.ContentRejected:   {http.StatusForbidden, "", "The post is against the rules."},
	publish.TextInvalid:       {http.StatusBadRequest, "", "The text cannot be taken."},
	publish.MediaInvalid:      {http.StatusBadRequest, "", "The picture cannot be taken."},
	publish.LinkInvalid:       {http.StatusBadRequest, "", "The link cannot be taken."},
	publish.TargetMissing:     {http.StatusNotFound, "", "There is no such page."},
	publish.AppMisconfigured:  {http.StatusBadRequest, "", "The application is not known."},
	publish.Unsupported:       {http.StatusBadRequest, "", "Such a message cannot be taken."},
	publish.Transient:         {http.StatusServiceUnavailable, "", "Out of order; please try again later."},
	publish.UnknownOutcome:    {http.StatusBadGateway, "", "Bad gateway."},
}

// refuse is how a provider's network refuses for a reason.
func refuse(provider string, kind publish.Kind) *publish.Error {
	w, known := refusals[provider][kind]
	if !known {
		w, known = anywhere[kind]
	}
	if !known {
		panic("BUG: no words for " + string(kind))
	}
	return &publish.Error{Kind: kind, Network: provider, Status: w.status, Code: w.code, Message: w.text}
}
