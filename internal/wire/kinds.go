// SPDX-License-Identifier: Apache-2.0

package wire

// Kinds: the first byte of each message. A number is never reused.
const (
	// signed bodies
	kindCertificate uint8 = 0x01
	kindRequest     uint8 = 0x02
	kindPledge      uint8 = 0x03
	kindAnswer      uint8 = 0x04
	kindEnvelope    uint8 = 0x05
	kindRecord      uint8 = 0x06
	// signalling
	kindChallenge       uint8 = 0x10
	kindHostHello       uint8 = 0x11
	kindHostReady       uint8 = 0x12
	kindTechnicianHello uint8 = 0x13
	kindTechnicianReady uint8 = 0x14
	kindEnrol           uint8 = 0x15
	kindEnrolSecret     uint8 = 0x16
	kindEnrolConfirm    uint8 = 0x17
	kindEnrolled        uint8 = 0x18
	kindAsk             uint8 = 0x19
	kindRing            uint8 = 0x1a
	kindPledged         uint8 = 0x1b
	kindAnswered        uint8 = 0x1c
	kindSignal          uint8 = 0x1d
	kindBye             uint8 = 0x1e
	kindRefused         uint8 = 0x1f
	kindReport          uint8 = 0x23 // 0x20 was one without proof; it is not used again
	kindReported        uint8 = 0x21
	kindCharterNotice   uint8 = 0x22
	// journal
	kindCheckpointAsk uint8 = 0x30
	kindCheckpoint    uint8 = 0x31
	kindNoted         uint8 = 0x32
	kindRecorded      uint8 = 0x33
	// session, to the technician
	kindScene      uint8 = 0x40
	kindGrant      uint8 = 0x41
	kindDenied     uint8 = 0x42
	kindShape      uint8 = 0x43
	kindPlace      uint8 = 0x44
	kindPong       uint8 = 0x45
	kindSessionBye uint8 = 0x46
	// session, to the host
	kindWant    uint8 = 0x50
	kindRelease uint8 = 0x51
	kindWatch   uint8 = 0x52
	kindPoint   uint8 = 0x53
	kindPing    uint8 = 0x54
	// input
	kindMove       uint8 = 0x60
	kindButton     uint8 = 0x61
	kindScroll     uint8 = 0x62
	kindKey        uint8 = 0x63
	kindText       uint8 = 0x64
	kindReleaseAll uint8 = 0x65
)

// newMessage returns an empty message of a kind, or nil. With the two below it is
// the closed list of all messages.
func newMessage(kind uint8) Message {
	switch kind {
	case kindCertificate:
		return &Certificate{}
	case kindRequest:
		return &Request{}
	case kindPledge:
		return &Pledge{}
	case kindAnswer:
		return &Answer{}
	case kindEnvelope:
		return &Envelope{}
	case kindChallenge:
		return &Challenge{}
	case kindHostHello:
		return &HostHello{}
	case kindHostReady:
		return &HostReady{}
	case kindTechnicianHello:
		return &TechnicianHello{}
	case kindTechnicianReady:
		return &TechnicianReady{}
	case kindEnrol:
		return &Enrol{}
	case kindEnrolSecret:
		return &EnrolSecret{}
	case kindEnrolConfirm:
		return &EnrolConfirm{}
	case kindEnrolled:
		return &Enrolled{}
	case kindAsk:
		return &Ask{}
	case kindRing:
		return &Ring{}
	case kindPledged:
		return &Pledged{}
	case kindAnswered:
		return &Answered{}
	case kindSignal:
		return &Signal{}
	case kindBye:
		return &Bye{}
	case kindRefused:
		return &Refused{}
	case kindReport:
		return &Report{}
	case kindReported:
		return &Reported{}
	case kindCharterNotice:
		return &CharterNotice{}
	}
	if m := newJournalMessage(kind); m != nil {
		return m
	}
	return newSessionMessage(kind)
}

// newJournalMessage is newMessage for what the journal is told and tells.
func newJournalMessage(kind uint8) Message {
	switch kind {
	case kindRecord:
		return &Record{}
	case kindCheckpointAsk:
		return &CheckpointAsk{}
	case kindCheckpoint:
		return &Checkpoint{}
	case kindNoted:
		return &Noted{}
	case kindRecorded:
		return &Recorded{}
	}
	return nil
}

// newSessionMessage is newMessage for what travels inside the encrypted connection.
func newSessionMessage(kind uint8) Message {
	switch kind {
	case kindScene:
		return &Scene{}
	case kindGrant:
		return &Grant{}
	case kindDenied:
		return &Denied{}
	case kindShape:
		return &Shape{}
	case kindPlace:
		return &Place{}
	case kindPong:
		return &Pong{}
	case kindSessionBye:
		return &SessionBye{}
	case kindWant:
		return &Want{}
	case kindRelease:
		return &Release{}
	case kindWatch:
		return &Watch{}
	case kindPoint:
		return &Point{}
	case kindPing:
		return &Ping{}
	case kindMove:
		return &Move{}
	case kindButton:
		return &Button{}
	case kindScroll:
		return &Scroll{}
	case kindKey:
		return &Key{}
	case kindText:
		return &Text{}
	case kindReleaseAll:
		return &ReleaseAll{}
	}
	return nil
}

func (*Certificate) kind() uint8     { return kindCertificate }
func (*Request) kind() uint8         { return kindRequest }
func (*Pledge) kind() uint8          { return kindPledge }
func (*Answer) kind() uint8          { return kindAnswer }
func (*Envelope) kind() uint8        { return kindEnvelope }
func (*Challenge) kind() uint8       { return kindChallenge }
func (*HostHello) kind() uint8       { return kindHostHello }
func (*HostReady) kind() uint8       { return kindHostReady }
func (*TechnicianHello) kind() uint8 { return kindTechnicianHello }
func (*TechnicianReady) kind() uint8 { return kindTechnicianReady }
func (*Enrol) kind() uint8           { return kindEnrol }
func (*EnrolSecret) kind() uint8     { return kindEnrolSecret }
func (*EnrolConfirm) kind() uint8    { return kindEnrolConfirm }
func (*Enrolled) kind() uint8        { return kindEnrolled }
func (*Ask) kind() uint8             { return kindAsk }
func (*Ring) kind() uint8            { return kindRing }
func (*Pledged) kind() uint8         { return kindPledged }
func (*Answered) kind() uint8        { return kindAnswered }
func (*Signal) kind() uint8          { return kindSignal }
func (*Bye) kind() uint8             { return kindBye }
func (*Refused) kind() uint8         { return kindRefused }
func (*Report) kind() uint8          { return kindReport }
func (*Reported) kind() uint8        { return kindReported }
func (*CharterNotice) kind() uint8   { return kindCharterNotice }
func (*Scene) kind() uint8           { return kindScene }
func (*Grant) kind() uint8           { return kindGrant }
func (*Denied) kind() uint8          { return kindDenied }
func (*Shape) kind() uint8           { return kindShape }
func (*Place) kind() uint8           { return kindPlace }
func (*Pong) kind() uint8            { return kindPong }
func (*SessionBye) kind() uint8      { return kindSessionBye }
func (*Want) kind() uint8            { return kindWant }
func (*Release) kind() uint8         { return kindRelease }
func (*Watch) kind() uint8           { return kindWatch }
func (*Point) kind() uint8           { return kindPoint }
func (*Ping) kind() uint8            { return kindPing }
func (*Move) kind() uint8            { return kindMove }
func (*Button) kind() uint8          { return kindButton }
func (*Scroll) kind() uint8          { return kindScroll }
func (*Key) kind() uint8             { return kindKey }
func (*Text) kind() uint8            { return kindText }
func (*ReleaseAll) kind() uint8      { return kindReleaseAll }
