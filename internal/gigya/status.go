package gigya

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"syscall"

	"herald.example/internal/publish"
)

// code is an errorCode of the dialect. Its first three digits are the status code.
type code int

// The codes that this server answers with.
const (
	codeOK          code = 0
	codeDataCentre  code = 301001
	codeFormat      code = 400001
	codeMissing     code = 400002
	codeUnique      code = 400003
	codeScalar      code = 400004
	codeValue       code = 400006
	codeHeader      code = 400008
	codeGrantType   code = 400013
	codeNotAllowed  code = 400030
	codeAPIKey      code = 400093
	codeUnsupported code = 400096
	codeUnconnected code = 400106
	codeProviderApp code = 400122
	codeMedia       code = 401001
	codeSpam        code = 401010
	codeExpired     code = 403002
	codeSignature   code = 403003
	codeNonce       code = 403004
	codeUser        code = 403005
	codePlainSecret code = 403006
	codeDenied      code = 403007
	codeSession     code = 403009
	codeSecret      code = 403010
	codePermission  code = 403022
	codeLimit       code = 403024
	codeToken       code = 403025
	codeSiteConfig  code = 403045
	codeRate        code = 403048
	codeMethod      code = 405001
	codeIdentity    code = 409001
	codeTooLarge    code = 413001
	codeBusy        code = 500001
	codeProvider    code = 500023
	codeNetwork     code = 500026
	codeInternal    code = 500028
	codeTimeout     code = 504002
)

// names are the codes and their names, which are the errorMessage: contract, section
// 13. Those that real clients repeat by themselves (500001, 504001, 409030 and 403002)
// must not follow a publication that may have gone out.
var names = map[code]string{
	0:      "OK",
	100001: "Data pending",
	200001: "Operation canceled",
	200003: "Permission not granted",
	200008: "OK with errors",
	200009: "Accounts linked",
	200010: "OK with error login identifier exists",
	206001: "Account pending registration",
	206002: "Account pending verification",
	206003: "Account missing loginID",
	301001: "Invalid data center",
	400001: "Invalid request format",
	400002: "Missing required parameter",
	400003: "Unique identifier exists",
	400004: "Invalid parameter format",
	400006: "Invalid parameter value",
	400007: "Duplicate value",
	400008: "Invalid authentication header",
	400009: "Validation error",
	400011: "Invalid redirect URI",
	400012: "Invalid response type",
	400013: "Unsupported grant type",
	400014: "Invalid grant",
	400015: "Code expired",
	400020: "Schema validation failed",
	400021: "CAPTCHA verification failed",
	400022: "Unique index validation error",
	400023: "Invalid type validation error",
	400024: "Dynamic fields validation error",
	400025: "Write access validation error",
	400026: "Invalid format validation error",
	400027: "Required value validation error",
	400028: "Email not verified",
	400029: "Schema conflict",
	400030: "Operation not allowed",
	400050: "Security verification failed",
	400093: "Invalid ApiKey parameter",
	400096: "Not supported",
	400097: "Browser insecure",
	400100: "No providers",
	400103: "Invalid containerID",
	400106: "Not connected",
	400120: "Invalid site domain",
	400122: "Provider configuration error",
	400124: "Limit reached",
	400125: "Frequency limit reached",
	400126: "Invalid action",
	400127: "Insufficient points to redeem",
	401000: "Invalid policy configuration",
	401001: "Media items not supported",
	401010: "Suspected spam",
	401020: "Login failed captcha required",
	401021: "Login failed wrong captcha",
	401030: "Old password used",
	403000: "Forbidden",
	403001: "Invalid access token",
	403002: "Request has expired",
	403003: "Invalid request signature",
	403004: "Duplicate nonce",
	403005: "Unauthorized user",
	403006: "Secret Sent Over Http",
	403007: "Permission denied",
	403008: "Invalid OpenID Url",
	403009: "Provider session expired",
	403010: "Invalid Secret",
	403011: "Session has expired",
	403012: "No valid session",
	403015: "Missing request referrer",
	403017: "Unexpected provider user",
	403022: "Permission not requested",
	403023: "No user permission",
	403024: "Provider limit reached",
	403025: "Invalid token",
	403026: "Unauthorized access error",
	403031: "Approved by moderator",
	403035: "No user cookie",
	403036: "Unauthorized partner",
	403037: "Post denied",
	403040: "No login ticket",
	403041: "Account disabled",
	403042: "Invalid loginID",
	403043: "Login identifier exists",
	403044: "Underage user",
	403045: "Invalid site configuration error",
	403047: "Login ID does not exist",
	403048: "API Rate Limit Exceeded",
	403100: "Pending password change",
	403101: "Account pending TFA verification",
	403102: "Account pending TFA registration",
	403110: "Account pending recent login",
	403120: "Account temporarily locked out",
	403200: "Redundant operation",
	403201: "Invalid application ID",
	404000: "Not found",
	404001: "Friend not found",
	404002: "Category not found",
	404003: "UID not found",
	404004: "Invalid URL",
	405001: "Invalid API method",
	409001: "Identity exists",
	409010: "Missing user photo",
	409011: "Counter not registered",
	409012: "Invalid gmid ticket",
	409013: "SAML mapped attribute not found",
	409014: "SAML certificate not found",
	409030: "Concurrent updates not allowed",
	410000: "Gone",
	413001: "Request entity too large",
	413002: "Comment text too large",
	413003: "Object too large",
	413004: "Profile photo too large",
	500000: "General security warning",
	500001: "General Server error",
	500002: "Server login error",
	500003: "Default application configuration",
	500014: "Session migration error",
	500023: "Provider error",
	500026: "Network error",
	500028: "Database error",
	500031: "No provider application",
	500033: "Invalid environment config",
	500034: "Error during backend operation",
	504001: "Timeout",
	504002: "Request Timeout",
}

// name is the errorMessage of a code.
func (c code) name() string { return names[c] }

// status is the statusCode of a code.
func (c code) status() int {
	if c == codeOK {
		return http.StatusOK
	}
	return int(c) / 1000
}

// reason is the statusReason of a code.
func (c code) reason() string { return http.StatusText(c.status()) }

// internalDetails is all that a caller learns of a failure of ours.
const internalDetails = "An internal error occurred; the log of the server says more under this callId."

// fault is an error that the caller is told.
type fault struct {
	code    code
	details string
	members object // beside the envelope
}

func (f *fault) Error() string {
	if f.details == "" {
		return f.code.name()
	}
	return f.code.name() + ": " + f.details
}

// faultf is a fault with its details. A format that is empty leaves them out.
func faultf(c code, format string, args ...any) error {
	return &fault{code: c, details: fmt.Sprintf(format, args...)}
}

// missing is the fault of a parameter that must be there.
func missing(name string) error {
	return faultf(codeMissing, "Missing required parameter : %s", name)
}

// invalid is the fault of a parameter with a value that it cannot have.
func invalid(name, format string, args ...any) error {
	return faultf(codeValue, "Invalid parameter value : %s: %s", quote(name), fmt.Sprintf(format, args...))
}

// maxQuote bounds what is quoted of a request, in bytes.
const maxQuote = 64

// quote cuts a text of the caller for a message.
func quote(s string) string {
	if len(s) <= maxQuote {
		return s
	}
	return strings.ToValidUTF8(s[:maxQuote], "") + "…"
}

// statuses is the one table between errors and codes: the first row whose error is
// found by errors.Is decides. What no row knows, and is no fault, is our failure.
var statuses = []struct {
	err     error
	code    code
	details string
}{
	{errBusy, codeBusy, "The server holds as many large requests as it can; please try again."},
	{publish.ErrUnavailable, codeInternal, "The shortener was never reached, so nothing was done; please try again later."},
	{syscall.ENOSPC, codeInternal, noRoomDetails},
	{syscall.EDQUOT, codeInternal, noRoomDetails},
	{context.DeadlineExceeded, codeTimeout, "This took too long; please try again later."},
}

// noRoomDetails is what is said when the disk is full: nothing was kept, and the call
// can be sent again.
const noRoomDetails = "The server has no room to keep this for now; please try again later."

// refusal is what the caller is told of an error. Internal says that the cause belongs
// into the log.
func refusal(err error) (f *fault, internal bool) {
	if f, found := errors.AsType[*fault](err); found {
		return f, false
	}
	for _, row := range statuses {
		if errors.Is(err, row.err) {
			return &fault{code: row.code, details: row.details}, !errors.Is(err, errBusy)
		}
	}
	return &fault{code: codeInternal, details: internalDetails}, true
}
