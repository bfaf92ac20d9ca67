// SPDX-License-Identifier: Apache-2.0

package wire

// Challenge opens every connection.
type Challenge struct {
	Version uint16
	Nonce   [32]byte
	Time    int64  // the server's clock, Unix seconds
	Unit    string // the unit's name, for display
}

// HostHello proves that a host holds its key: the signature is over the
// challenge nonce and the TLS exporter, so it cannot be replayed elsewhere.
type HostHello struct {
	Version   uint16
	HostKey   []byte
	Signature []byte
}

// HostReady says the host is registered and can be called.
type HostReady struct {
	Address string // the client's address as the server sees it
	STUN    string // host:port of the STUN service, or empty
}

// TechnicianHello logs a technician in.
type TechnicianHello struct {
	Version   uint16
	Login     string
	Password  string
	DeviceKey []byte
	Signature []byte // as in HostHello, by the device key
}

// TechnicianReady says the technician may ask for machines.
type TechnicianReady struct {
	Certificate []byte // Envelope of a Certificate
	Address     string
	STUN        string
}

// Enrol presents a one-time enrolment code and the new account's password.
type Enrol struct {
	Version   uint16
	Code      string
	Password  string
	DeviceKey []byte
	Signature []byte
}

// EnrolSecret carries the otpauth URL that the technician's phone scans.
type EnrolSecret struct {
	Login string
	URL   string
}

// EnrolConfirm proves that the phone has the secret.
type EnrolConfirm struct {
	TOTP string
}

// Enrolled ends the enrolment. The certificate is empty until the administrator
// has signed it.
type Enrolled struct {
	Certificate []byte
}

// Ask wants one machine. The TOTP is spent by it whatever the outcome.
type Ask struct {
	TOTP    string
	Request []byte // Envelope of a Request
}

// Ring brings a request to its host, with what the server vouches for: who
// logged in, and from which address. Photo is the person's, or empty: it counts only if
// the certificate in the request names its hash.
type Ring struct {
	Session SessionID
	Login   string
	Address string
	Request []byte
	Photo   []byte
}

// Pledged carries the Envelope of a Pledge from host to technician.
type Pledged struct {
	Session SessionID
	Pledge  []byte
}

// Answered carries the Envelope of an Answer from host to technician.
type Answered struct {
	Session SessionID
	Answer  []byte
}

// Signal carries an opaque step of connection set-up between the two ends.
// Sequence rises by one from 1 in each direction.
type Signal struct {
	Session  SessionID
	Sequence uint32
	Body     []byte
}

// Bye says that a session, or a request not yet answered, is over.
type Bye struct {
	Session SessionID
	Reason  EndReason
}

// Refused turns down the client's last message; Session is zero outside one.
type Refused struct {
	Session SessionID
	Why     Refusal
	Wait    uint16 // seconds, for RefusedTooMany and RefusedCrowded
}

// Report tells the administrator that the person reported a session of this host.
// Proof is what this host signed: the Answer that refused and reported, the Record of
// an end by cutting and reporting, or one of DeedReported. It says nothing more: what
// was wrong is said to a person.
type Report struct {
	Session SessionID
	Proof   []byte // an Envelope
}

// Reported says that a Report is durable in the journal.
type Reported struct {
	Session SessionID
}

// CharterNotice says which charter the server holds, after HostReady and
// TechnicianReady and whenever a new one is published. A charter is larger than
// a message may be: a client that has seen less fetches it over HTTP from the
// same server. The notice itself is believed in nothing.
type CharterNotice struct {
	Epoch uint64
}

func (m *Challenge) walk(w *walker) {
	w.u16("version", &m.Version)
	w.raw("nonce", m.Nonce[:])
	w.i64("time", &m.Time)
	w.label("unit", &m.Unit, MaxName)
}

func (m *HostHello) walk(w *walker) {
	w.u16("version", &m.Version)
	w.bytes("hostKey", &m.HostKey, MaxKey)
	w.bytes("signature", &m.Signature, MaxSignature)
}

func (m *HostReady) walk(w *walker) {
	w.text("address", &m.Address, MaxAddress)
	w.text("stun", &m.STUN, MaxURL)
}

func (m *TechnicianHello) walk(w *walker) {
	w.u16("version", &m.Version)
	w.label("login", &m.Login, MaxLogin)
	w.text("password", &m.Password, MaxPassword)
	w.bytes("deviceKey", &m.DeviceKey, MaxKey)
	w.bytes("signature", &m.Signature, MaxSignature)
}

func (m *TechnicianReady) walk(w *walker) {
	w.bytes("certificate", &m.Certificate, MaxCertificate)
	w.text("address", &m.Address, MaxAddress)
	w.text("stun", &m.STUN, MaxURL)
}

func (m *Enrol) walk(w *walker) {
	w.u16("version", &m.Version)
	w.text("code", &m.Code, MaxLogin)
	w.text("password", &m.Password, MaxPassword)
	w.bytes("deviceKey", &m.DeviceKey, MaxKey)
	w.bytes("signature", &m.Signature, MaxSignature)
}

func (m *EnrolSecret) walk(w *walker) {
	w.label("login", &m.Login, MaxLogin)
	w.text("url", &m.URL, MaxURL)
}

func (m *EnrolConfirm) walk(w *walker) { w.text("totp", &m.TOTP, 8) }

func (m *Enrolled) walk(w *walker) { w.bytes("certificate", &m.Certificate, MaxCertificate) }

func (m *Ask) walk(w *walker) {
	w.text("totp", &m.TOTP, 8)
	w.bytes("request", &m.Request, MaxEnvelope)
}

func (m *Ring) walk(w *walker) {
	w.raw("session", m.Session[:])
	w.label("login", &m.Login, MaxLogin)
	w.text("address", &m.Address, MaxAddress)
	w.bytes("request", &m.Request, MaxEnvelope)
	w.bytes("photo", &m.Photo, MaxPhoto)
}

func (m *Pledged) walk(w *walker) {
	w.raw("session", m.Session[:])
	w.bytes("pledge", &m.Pledge, MaxEnvelope)
}

func (m *Answered) walk(w *walker) {
	w.raw("session", m.Session[:])
	w.bytes("answer", &m.Answer, MaxEnvelope)
}

func (m *Signal) walk(w *walker) {
	w.raw("session", m.Session[:])
	w.u32("sequence", &m.Sequence)
	w.bytes("body", &m.Body, MaxSignal)
}

func (m *Bye) walk(w *walker) {
	w.raw("session", m.Session[:])
	enum(w, "reason", &m.Reason, EndUserCut, endReasonEnd)
}

func (m *Refused) walk(w *walker) {
	w.raw("session", m.Session[:])
	enum(w, "why", &m.Why, RefusedIdentity, refusalEnd)
	w.u16("wait", &m.Wait)
}

func (m *Report) walk(w *walker) {
	w.raw("session", m.Session[:])
	w.bytes("proof", &m.Proof, MaxEnvelope)
}

func (m *Reported) walk(w *walker) { w.raw("session", m.Session[:]) }

func (m *CharterNotice) walk(w *walker) { w.u64("epoch", &m.Epoch) }

func (*Challenge) fromServer()       {}
func (*HostReady) fromServer()       {}
func (*TechnicianReady) fromServer() {}
func (*EnrolSecret) fromServer()     {}
func (*Enrolled) fromServer()        {}
func (*Ring) fromServer()            {}
func (*Pledged) fromServer()         {}
func (*Answered) fromServer()        {}
func (*Signal) fromServer()          {}
func (*Bye) fromServer()             {}
func (*Refused) fromServer()         {}
func (*Reported) fromServer()        {}
func (*CharterNotice) fromServer()   {}

func (*HostHello) fromClient()       {}
func (*TechnicianHello) fromClient() {}
func (*Enrol) fromClient()           {}
func (*EnrolConfirm) fromClient()    {}
func (*Ask) fromClient()             {}
func (*Pledged) fromClient()         {}
func (*Answered) fromClient()        {}
func (*Signal) fromClient()          {}
func (*Bye) fromClient()             {}
func (*Report) fromClient()          {}
