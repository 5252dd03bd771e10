package suite

import (
	"errors"

	"github.com/pubsubd/pubsubd/conformance/transcript"
)

// hide returns text without the passwords of the servers, which one that is wrong may
// repeat wherever it likes.
func (r *runner) hide(text string) string {
	text = transcript.Hide(text, r.server.Password)
	if r.Peer != nil {
		text = transcript.Hide(text, r.Peer.Password)
	}
	return text
}

// hideBytes is hide of bytes.
func (r *runner) hideBytes(b []byte) []byte {
	if r.server.Password == "" && (r.Peer == nil || r.Peer.Password == "") {
		return b
	}
	return []byte(r.hide(string(b)))
}

// tidy returns a result as it is kept: without passwords, and of what is long a part.
func (r *runner) tidy(res Result) Result {
	res.Note = brief(r.hide(res.Note))
	for i, d := range res.Differences {
		d.Text, d.Wants, d.Gots = r.hide(d.Text), r.hide(d.Wants), r.hide(d.Gots)
		d.Want, d.Got, d.Received = r.hideBytes(d.Want), r.hideBytes(d.Got), r.hideBytes(d.Received)
		res.Differences[i] = d.bounded()
	}
	return res
}

// hideError returns an error without the password of a server. It is no other's kind.
func hideError(err error, server Server) error {
	if text := err.Error(); transcript.Hide(text, server.Password) != text {
		return errors.New(transcript.Hide(text, server.Password))
	}
	return err
}
