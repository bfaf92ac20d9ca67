// SPDX-License-Identifier: Apache-2.0

package receipt

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"assist/internal/trust"
)

// format names the form of a file; it is also the tag that is signed.
const format = "assist/receipt/1"

// Limits of the moment when an intervention began, from when its request was verified.
const (
	clockStep     = time.Minute      // the computer's clock may be set right in between
	maxUntilBegun = 10 * time.Minute // beyond what a request lives, and a dialog with it
)

var (
	// ErrDamaged says that the file is not what was signed.
	ErrDamaged = errors.New("receipt: damaged, or changed since it was signed")
	// ErrUnproven says that the file is whole, but that what it tells is not what both
	// ends signed.
	ErrUnproven = errors.New("receipt: does not agree with what both ends signed")
)

// file is a receipt as it is kept. Text is signed as it stands there, never written
// anew.
type file struct {
	Format    string          `json:"format"`
	HostKey   []byte          `json:"host_key"`
	Signature []byte          `json:"signature"`
	Text      json.RawMessage `json:"receipt"`
}

// write is the one way in which a file is written: any other byte is damage.
func (f file) write() []byte {
	encode := base64.StdEncoding.EncodeToString
	return fmt.Appendf(nil, "{\n  \"format\": %q,\n  \"host_key\": %q,\n  \"signature\": %q,\n  \"receipt\": %s\n}\n",
		f.Format, encode(f.HostKey), encode(f.Signature), f.Text)
}

// sign writes r and signs it.
func sign(r Receipt, key *trust.HostKey) ([]byte, error) {
	text, err := json.MarshalIndent(r, "  ", "  ")
	if err != nil {
		return nil, fmt.Errorf("receipt: %w", err)
	}
	sig, err := key.SignReceipt(text)
	if err != nil {
		return nil, fmt.Errorf("receipt: %w", err)
	}
	return file{Format: format, HostKey: key.Public(), Signature: sig, Text: text}.write(), nil
}

// open reads a file and checks that it is what the key in it signed.
func open(b []byte) (Receipt, []byte, error) {
	var r Receipt
	if len(b) > maxFile {
		return r, nil, fmt.Errorf("receipt: larger than %d bytes", maxFile)
	}
	var f file
	if err := strictly(b, &f); err != nil {
		return r, nil, err
	}
	if f.Format != format || !bytes.Equal(f.write(), b) {
		return r, nil, ErrDamaged
	}
	if err := trust.VerifyReceipt(f.HostKey, f.Text, f.Signature); err != nil {
		return r, nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if err := strictly(f.Text, &r); err != nil {
		return r, nil, err
	}
	if r.Version != version {
		return r, nil, errors.New("receipt: of another version")
	}
	return r, f.HostKey, nil
}

func strictly(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return nil
}

// Verify checks a receipt for somebody who was not there: that the computer whose
// number it bears signed it, and that it agrees with what both ends signed before
// anything was shared. The unit is the one that the receipt names: the caller compares
// it with the one they trust. words are the lists that check words are drawn from,
// one for each language. It takes about 0.3 s.
func Verify(b []byte, words [2][]string) (Receipt, error) {
	r, host, err := open(b)
	if err != nil {
		return r, err
	}
	p, err := r.evidence(host).Prove()
	if err != nil {
		return r, fmt.Errorf("%w: %w", ErrUnproven, err)
	}
	c, q := p.Certificate, p.Request
	agrees := r.Session == fmt.Sprintf("%x", q.Session[:]) && r.Reason == q.Reason &&
		r.Name == c.Name && r.Role == c.Role && r.Unit == c.Unit && r.Until.Equal(time.Unix(c.NotAfter, 0)) &&
		q.Rights&r.First == r.First && p.Answer.Rights == r.First && r.Allowed&r.First == r.First &&
		r.spoke(words) && r.beganInTime(p.Answer.Expires)
	if !agrees {
		return r, ErrUnproven
	}
	return r, nil
}

// spoke tells whether the check words are those of one of the languages.
func (r Receipt) spoke(words [2][]string) bool {
	for _, list := range words {
		if r.Words == trust.CheckWords(r.Request, r.Pledge, list) {
			return true
		}
	}
	return false
}

// beganInTime wants the beginning after the request was verified, and before what was
// granted then ran out.
func (r Receipt) beganInTime(expires int64) bool {
	return !r.Began.Before(r.Heard.Add(-clockStep)) && !r.Began.After(r.Heard.Add(maxUntilBegun)) && r.Began.Unix() < expires
}

func (r Receipt) evidence(host []byte) trust.Evidence {
	return trust.Evidence{
		Unit: r.UnitKey, Host: host, Machine: r.Machine, Heard: r.Heard,
		Certificate: r.Certificate, Request: r.Request, Pledge: r.Pledge, Answer: r.Answer,
	}
}
