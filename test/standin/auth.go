package standin

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// adminUser is whom the first credential of a cluster belongs to.
const adminUser = "admin"

// claims of a token, in the form of a JSON Web Token.
type claims struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	Audience []string `json:"aud"`
	Expires  int64    `json:"exp"`
	Issued   int64    `json:"iat"`
}

const serviceAccountPrefix = "system:serviceaccount:"

var encoding = base64.RawURLEncoding

// token signs one for a user, good until expires.
func (c *Cluster) token(user string, issued, expires time.Time) string {
	body, err := json.Marshal(claims{
		Issuer: "https://kubernetes.default.svc", Subject: user, Audience: []string{"https://kubernetes.default.svc"},
		Expires: expires.Unix(), Issued: issued.Unix(),
	})
	if err != nil {
		panic("standin: encoding claims: " + err.Error()) // strings and numbers
	}
	signed := encoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encoding.EncodeToString(body)
	return signed + "." + encoding.EncodeToString(c.sign(signed))
}

func (c *Cluster) sign(text string) []byte {
	mac := hmac.New(sha256.New, []byte(c.secret))
	_, _ = mac.Write([]byte(text)) // a hash takes all
	return mac.Sum(nil)
}

// user returns whose request it is, empty when nobody's.
func (c *Cluster) user(r *http.Request) string {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return ""
	}
	dot := strings.LastIndexByte(token, '.')
	if dot < 0 {
		return ""
	}
	signature, err := encoding.DecodeString(token[dot+1:])
	if err != nil || !hmac.Equal(signature, c.sign(token[:dot])) {
		return ""
	}
	_, body, _ := strings.Cut(token[:dot], ".")
	raw, err := encoding.DecodeString(body)
	if err != nil {
		return ""
	}
	var said claims
	if err := json.Unmarshal(raw, &said); err != nil || said.Expires < time.Now().Unix() {
		return ""
	}
	return c.known(said.Subject)
}

// known returns the user when it exists: a deleted ServiceAccount's tokens are
// void, and so is a withdrawn first credential.
func (c *Cluster) known(user string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if user == adminUser {
		if c.withdrawn {
			return ""
		}
		return user
	}
	namespace, name, ok := strings.Cut(strings.TrimPrefix(user, serviceAccountPrefix), ":")
	if !ok || c.storeOf(serviceAccountsResource).objects[keyOf(namespace, name)] == nil {
		return ""
	}
	return user
}

// Withdraw makes the first credential of the cluster void.
func (c *Cluster) Withdraw() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.withdrawn = true
}
