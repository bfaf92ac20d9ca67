// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"assist/internal/journal"
)

// Grade is how a finding is to be taken.
type Grade string

// Grades.
const (
	Good Grade = "ok"
	Note Grade = "note"
	Bad  Grade = "BAD"
)

// Finding is one line of a check.
type Finding struct {
	Grade Grade
	About string
	Text  string
}

// Findings is the result of a check.
type Findings []Finding

// add may be called several times about one thing.
func (f *Findings) add(g Grade, about, format string, args ...any) {
	*f = append(*f, Finding{g, about, fmt.Sprintf(format, args...)})
}

// Bad says that something must be mended before the server is used.
func (f Findings) Bad() bool {
	for _, one := range f {
		if one.Grade == Bad {
			return true
		}
	}
	return false
}

// Check looks at a data directory and at the machine around it, and changes
// nothing. It may be used beside a running server.
func Check(ctx context.Context, dir string) Findings {
	var f Findings
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		f.add(Bad, "data directory", "there is none at %s: name it with --dir, or make one with \"assist-server init\"", dir)
		return f
	}
	// What needs nothing but the directory comes first: the rest may not open.
	f.directory(dir)
	f.space(dir)
	s, err := Open(dir, Options{AsItIs: true}) // a check must not bring a running older server's database up to date
	if errors.Is(err, ErrTooOld) {
		f.add(Bad, "database", "%v", err)
		return f
	}
	if err != nil {
		f.add(Bad, "configuration", "%v", err)
		return f
	}
	defer s.Close()
	f.add(Good, "configuration", "%s is in order; unit %q", s.path(fileConfig), s.cfg.Unit.Name)
	f.names(ctx, s.cfg.Server.Address)
	f.certificate(s)
	f.clock(s)
	f.timeServer(clockIsSet())
	f.families()
	f.sockets(s.cfg.Server)
	f.unitKey(s)
	f.charter(ctx, s)
	f.machines(ctx, s)
	f.newcomers(ctx, s)
	f.database(ctx, s)
	f.restart(s)
	f.reports(ctx, s)
	f.syslog(ctx, s)
	f.firewall(s.cfg.Server, s.cfg.Journal.Syslog)
	return f
}

// directory wants that nobody but the owner can read anything.
func (f *Findings) directory(dir string) {
	if runtime.GOOS == "windows" {
		f.add(Note, "data directory", "its access rights are not checked on this system")
		return
	}
	open := ""
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info() // the last of them is named: one is mended at a time
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			open = fmt.Sprintf("%s has rights %o; others must have none (chmod go= %s)", path, info.Mode().Perm(), path)
		}
		return err
	})
	switch {
	case err != nil:
		f.add(Bad, "data directory", "%v", err)
	case open != "":
		f.add(Bad, "data directory", "%s", open)
	default:
		f.add(Good, "data directory", "%s is closed to others", dir)
	}
}

// names looks the address up as clients do, with this machine's resolver: what others see may
// differ, so a name that is found proves little and one that is not found is worth a word.
func (f *Findings) names(ctx context.Context, address string) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		f.add(Bad, "address", "%v", err)
		return
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		f.add(Good, "address", "%s is an address, so no DNS is needed", ip)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second) // a resolver that is away holds up the other findings
	defer cancel()
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		f.add(Bad, "address", "%s is not found in DNS: %v", host, err)
		return
	}
	var four, six []string
	for _, a := range found {
		if a = a.Unmap(); a.Is4() {
			four = append(four, a.String())
		} else {
			six = append(six, a.String())
		}
	}
	f.add(Good, "address", "%s is %s (IPv4) and %s (IPv6)", host, orNone(four), orNone(six))
}

func orNone(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}

// certificate: clients look at the key alone, but monitoring tools and people look at dates.
func (f *Findings) certificate(s *Server) {
	c := s.certificate().Leaf
	pin := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	grade := Good
	if left := c.NotAfter.Sub(s.now()); left < 0 || s.now().Before(c.NotBefore) {
		grade = Bad
	} else if left < 30*24*time.Hour { // as monitoring tools warn of it
		grade = Note
	}
	host, _, _ := net.SplitHostPort(s.cfg.Server.Address)
	f.add(grade, "tls certificate", "valid from %s to %s; key pin %s", day(c.NotBefore), day(c.NotAfter), hex.EncodeToString(pin[:]))
	if c.VerifyHostname(host) != nil {
		f.add(Note, "tls certificate", "it names another host than %s; clients pin the key and do not mind", host)
	}
}

// day is in UTC, like every date that is compared with another machine's.
func day(t time.Time) string { return t.UTC().Format("2006-01-02") }

// clock compares with what the journal saw last: one-time codes need the time.
func (f *Findings) clock(s *Server) {
	now := s.now()
	last, err := journal.List(context.Background(), s.store.reader, journal.Filter{Limit: 1})
	if err == nil && len(last) == 1 && last[0].At.Sub(now) > time.Minute {
		f.add(Bad, "clock", "it is %s, but the journal's last entry was written at %s: set the clock before anybody is helped, or find out which of the two is wrong",
			now.UTC().Format(time.RFC3339), last[0].At.Format(time.RFC3339))
		return
	}
	if made := s.certificate().Leaf.NotBefore; now.Before(made) {
		f.add(Bad, "clock", "it is %s, but this server's certificate was made on %s: set the clock", now.UTC().Format(time.RFC3339), day(made))
		return
	}
	f.add(Good, "clock", "it is %s; compare it with a watch: codes are good for half a minute", now.UTC().Format(time.RFC3339))
}

// timeServer says whether anything keeps the clock right.
func (f *Findings) timeServer(set, known bool) {
	if known && !set {
		f.add(Note, "clock", "WARNING: the system says that no time server sets it: install one of chrony, systemd-timesyncd, ntpd; one-time codes fail when it is off by half a minute")
	}
}

// families opens a port on the loopback for a moment: the surest way to ask for IPv6.
func (f *Findings) families() {
	for _, family := range []struct{ name, network, address string }{
		{"IPv4", "tcp4", "127.0.0.1:0"}, {"IPv6", "tcp6", "[::1]:0"},
	} {
		l, err := net.Listen(family.network, family.address)
		if err != nil {
			f.add(Note, family.name, "not available on this machine: %v", err)
			continue
		}
		_ = l.Close()
		f.add(Good, family.name, "available")
	}
}

// sockets tries to bind what run will bind.
func (f *Findings) sockets(c serverConfig) {
	p, err := bind(c)
	if err == nil {
		p.close() // at once: a server that starts next must find them free
	}
	f.bound(c, err)
}

// bound says what came of that. A port below 1024 takes a right that the service is given by
// its unit file, and a check by the service's account is not.
func (f *Findings) bound(c serverConfig, err error) {
	switch {
	case err == nil:
		f.add(Good, "ports", "TCP %s and UDP %s can be opened", c.Listen, c.STUN)
	case errors.Is(err, syscall.EADDRINUSE):
		f.add(Note, "ports", "in use, by this server if it is running: %v", err)
	case errors.Is(err, fs.ErrPermission) && (privileged(c.Listen) || privileged(c.STUN)):
		f.add(Note, "ports", "below 1024, so only the service may open them (CAP_NET_BIND_SERVICE in its unit file); whether it does, its start tells: %v", err)
	default:
		f.add(Bad, "ports", "%v", err)
	}
}

// privileged reports whether listening at an address takes CAP_NET_BIND_SERVICE (ip(7),
// ip_unprivileged_port_start).
func privileged(address string) bool {
	_, port, err := net.SplitHostPort(address)
	n, bad := strconv.Atoi(port)
	return err == nil && bad == nil && n > 0 && n < 1024
}

// unitKey tries a stored passphrase: with one that does not open the key the server does not start.
func (f *Findings) unitKey(s *Server) {
	if _, err := os.Stat(s.path(fileUnitKey)); err != nil {
		f.add(Good, "unit key", "not here: the charter is signed where it is kept")
		return
	}
	if !s.SignsItself() {
		f.add(Note, "unit key", "WARNING: it lies on this server, sealed; a real unit keeps it elsewhere (docs/server.md)")
		return
	}
	key, err := s.openUnitKey()
	if err != nil || key == nil {
		f.add(Bad, "unit key", "unit.passphrase_file does not open it: %v", err)
		return
	}
	f.add(Note, "unit key", "WARNING: it lies on this server and is opened by %s: who breaks in can sign technicians", s.cfg.Unit.PassphraseFile)
}

// charter says whether anybody may help, and for how long still.
func (f *Findings) charter(ctx context.Context, s *Server) {
	st, err := s.Standing(ctx)
	switch {
	case err != nil:
		f.add(Bad, "charter", "%v", err)
		return
	case st.Charter == nil && st.Err != nil:
		f.add(Bad, "charter", "not to be believed: %v", st.Err)
		return
	case st.Charter == nil:
		f.add(Bad, "charter", "there is none, so nobody may help: sign one (charter sign)")
		return
	}
	until := day(time.Unix(st.Charter.Expires, 0))
	switch {
	case st.Expired:
		f.add(Bad, "charter", "epoch %d ran out on %s, so nobody may help: sign a new one", st.Charter.Epoch, until)
	case st.ExpiresSoon:
		f.add(Note, "charter", "WARNING: epoch %d ends on %s; then nobody may help: sign a new one", st.Charter.Epoch, until)
	default:
		f.add(Good, "charter", "epoch %d is good until %s", st.Charter.Epoch, until)
	}
	if st.Pending {
		f.add(Note, "charter", "something has changed since and awaits a signature (charter show)")
	}
	if len(st.Charter.Sources) == 0 {
		f.add(Note, "charter", "no source address is listed, so nobody may help from anywhere")
	}
}

// machines names those that two hosts claimed to be.
func (f *Findings) machines(ctx context.Context, s *Server) {
	all, err := s.Machines(ctx)
	if err != nil {
		f.add(Bad, "machines", "%v", err)
		return
	}
	for _, m := range all {
		if !m.DuplicateSince.IsZero() {
			f.add(Bad, "machines", "%s: two computers have its key, since %s; both are refused (machine release)", m.Number, day(m.DuplicateSince))
		}
	}
}

// database lets SQLite check its own pages first: a journal in damaged ones would be called forged.
func (f *Findings) database(ctx context.Context, s *Server) {
	answers, err := texts(ctx, s.store.reader, `pragma integrity_check`)
	if err != nil || len(answers) != 1 || answers[0] != "ok" {
		f.add(Bad, "database", "integrity check: %v %v", answers, err)
		return
	}
	report, err := s.VerifyJournal(ctx)
	if err != nil {
		f.add(Bad, "journal", "%v", err)
		return
	}
	if d := report.Doubts; d.All > 0 { // nothing mends it, so it must not stand in the way of a start
		f.add(Note, "journal", "WARNING: %d times in it cannot be (journal verify): %s", d.All, d.Told[0])
	}
	f.add(Good, "database", "in order; entries of the journal that verify: %d, signed of them: %d, root %s", report.Entries, report.Signed, report.Root)
}

// firewall lists the exact openings, and that there are no others.
func (f *Findings) firewall(c serverConfig, syslog string) {
	_, tcp, _ := net.SplitHostPort(c.Listen)
	f.add(Note, "firewall", "allow TCP %s to this machine (IPv4 and IPv6): hosts and technicians", tcp)
	rule := fmt.Sprintf("nft add rule inet filter input tcp dport %s accept", tcp)
	if c.STUN != stunOff {
		_, udp, _ := net.SplitHostPort(c.STUN)
		f.add(Note, "firewall", "allow UDP %s to this machine (IPv4 and IPv6): public address of a client (STUN)", udp)
		rule += fmt.Sprintf("; nft add rule inet filter input udp dport %s accept", udp)
	}
	f.add(Note, "firewall", "%s", rule)
	if len(c.Proxies) > 0 {
		f.add(Note, "proxies", "TCP from %s is taken only with a PROXY header, which may name any address", strings.Join(c.Proxies, ", "))
	}
	if syslog != "" {
		f.add(Note, "firewall", "allow TCP from this machine to %s: the journal's syslog server", syslog)
		f.add(Note, "firewall", "nothing else is opened, to this machine or from it")
		return
	}
	f.add(Note, "firewall", "nothing else is opened, and the server opens no connection to the outside")
}
