// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"assist/internal/trust"
)

// minPassphrase guards the unit key, in characters. Each guess at a stolen file takes Argon2id
// and 128 MiB, so that twelve are enough where a log-in wants fifteen.
const minPassphrase = 12

// tlsLife is long because clients pin the key, not the certificate.
const tlsLife = 10 * 365 * 24 * time.Hour

const (
	blockTLSKey  = "PRIVATE KEY"
	blockTLSCert = "CERTIFICATE"
	blockUnitPub = "ASSIST UNIT PUBLIC KEY"
	blockSecret  = "ASSIST SERVER SECRET"
)

// CheckPassphrase tells whether one is long enough to guard a unit key.
func CheckPassphrase(s string) error {
	if len([]rune(s)) < minPassphrase {
		return fmt.Errorf("%w: the passphrase needs at least %d characters", ErrSetting, minPassphrase)
	}
	return nil
}

// Init makes a data directory: configuration, database, unit key, TLS key. It
// never overwrites anything, and leaves nothing behind when it fails.
func Init(dir string, o Options) (trust.JoinCode, error) {
	cfg, err := o.config()
	if err != nil {
		return trust.JoinCode{}, err
	}
	if err := CheckPassphrase(o.Passphrase); err != nil {
		return trust.JoinCode{}, err
	}
	undo, err := prepareDir(dir)
	if err != nil {
		return trust.JoinCode{}, err
	}
	unit, err := fill(dir, o, cfg)
	if err != nil {
		return trust.JoinCode{}, fullFile(dir, errors.Join(err, empty(dir), undo()))
	}
	s, err := Open(dir, Options{By: o.By})
	if err != nil {
		return trust.JoinCode{}, err
	}
	err = s.firstCharter(context.Background(), unit, o.Sources)
	if err == nil {
		err = s.firstCheckpoint(context.Background())
	}
	if err != nil {
		return trust.JoinCode{}, errors.Join(err, s.Close(), empty(dir), undo())
	}
	return s.JoinCode(), s.Close()
}

// firstCharter is epoch 1: nobody in it yet, and help from the given addresses.
func (s *Server) firstCharter(ctx context.Context, unit *trust.UnitKey, sources []string) error {
	if len(sources) > 0 {
		list, err := parseSources(sources)
		if err != nil {
			return err
		}
		if err := s.store.write(ctx, func(t *transaction) error { return t.replaceSources(list) }); err != nil {
			return err
		}
	}
	_, err := s.signAndPublish(ctx, unit, SignOptions{})
	return err
}

// config is what Init would write, checked like a file that somebody wrote by hand.
func (o Options) config() (config, error) {
	c := defaultConfig()
	c.Unit.Name, c.Server.Address, c.Server.Listen = o.Name, o.Address, o.Listen
	if o.STUN != "" {
		c.Server.STUN = o.STUN
	}
	if bad := c.check(); bad != nil {
		return c, fmt.Errorf("%w: %s %s", ErrSetting, bad.spoken(), bad.why)
	}
	if _, err := parseSources(o.Sources); err != nil {
		return c, err
	}
	return c, nil
}

// Check says what Init would refuse, but for the passphrase: nobody should choose
// one for nothing.
func (o Options) Check() error {
	_, err := o.config()
	return err
}

// ourFiles are what a set-up makes: it looks for them first, takes them back when it fails, and a
// backup copies them.
func ourFiles() []string {
	return []string{fileConfig, fileDatabase, fileDatabase + "-wal", fileDatabase + "-shm",
		fileUnitKey, fileUnitNext, fileUnitPub, fileTLSKey, fileTLSCert, fileTLSNext, fileSecret, fileJournal, fileCheckpoint}
}

// prepareDir makes a directory that its owner alone can enter, or takes an empty one and
// makes it so; undo gives that one back as it was. A directory that others use is left
// alone.
func prepareDir(dir string) (undo func() error, err error) {
	for _, f := range ourFiles() {
		if _, err := os.Lstat(filepath.Join(dir, f)); err == nil {
			return nil, fmt.Errorf("%w: %s", ErrExists, filepath.Join(dir, f))
		}
	}
	was, err := os.Stat(dir)
	if errors.Is(err, os.ErrNotExist) {
		err = os.MkdirAll(dir, 0o700)
		undo = func() error { return os.Remove(dir) }
	} else if err == nil && was.Mode().Perm()&0o077 != 0 {
		undo = func() error { return os.Chmod(dir, was.Mode()) }
		err = makePrivate(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("server: data directory: %w", err)
	}
	if undo == nil {
		undo = func() error { return nil }
	}
	return undo, nil
}

// makePrivate takes everybody else's rights on an empty directory.
func makePrivate(dir string) error {
	there, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if len(there) > 0 {
		return fmt.Errorf("%w: others can enter %s and it is not empty: name a new directory", ErrSetting, dir)
	}
	return os.Chmod(dir, 0o700)
}

// empty removes the files of a set-up that failed.
func empty(dir string) error {
	var all error
	for _, f := range ourFiles() {
		if err := os.Remove(filepath.Join(dir, f)); err != nil && !errors.Is(err, os.ErrNotExist) {
			all = errors.Join(all, err)
		}
	}
	return all
}

// fill writes the files; the configuration comes last and says that it is done.
func fill(dir string, o Options, cfg config) (*trust.UnitKey, error) {
	in := func(f string) string { return filepath.Join(dir, f) }
	unit, err := trust.NewUnitKey()
	if err != nil {
		return nil, err
	}
	if err := trust.SealUnitKey(unit, in(fileUnitKey), o.Passphrase); err != nil {
		return nil, err
	}
	if err := writePEM(in(fileUnitPub), blockUnitPub, unit.Public()); err != nil {
		return nil, err
	}
	if err := makeTLS(in(fileTLSKey), in(fileTLSCert), cfg.Server.Address); err != nil {
		return nil, err
	}
	secret := make([]byte, 32)
	rand.Read(secret) // never fails
	if err := writePEM(in(fileSecret), blockSecret, secret); err != nil {
		return nil, err
	}
	if _, err := trust.CreateJournalKey(in(fileJournal)); err != nil {
		return nil, err
	}
	// SQLite gives the files it makes the rights of this one.
	if err := writeFile(in(fileDatabase), nil); err != nil {
		return nil, err
	}
	st, err := openStore(in(fileDatabase))
	if err != nil {
		return nil, err
	}
	if err := st.close(); err != nil {
		return nil, err
	}
	text, err := cfg.render()
	if err != nil {
		return nil, err
	}
	return unit, writeFile(in(fileConfig), text)
}

// makeTLS writes a P-256 key and its self-signed certificate.
func makeTLS(keyPath, certPath, address string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("server: tls key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("server: tls key: %w", err)
	}
	cert, err := selfSigned(key, address)
	if err != nil {
		return err
	}
	if err := writePEM(keyPath, blockTLSKey, der); err != nil {
		return err
	}
	return writePEM(certPath, blockTLSCert, cert)
}

// selfSigned has what tools expect of a certificate; clients look at its key alone. It begins
// an hour ago for clocks that are behind. The serial has 120 bits: 20 bytes are the most that
// RFC 5280, section 4.1.2.2, allows.
func selfSigned(key *ecdsa.PrivateKey, address string) ([]byte, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("server: tls certificate: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, fmt.Errorf("server: tls certificate: %w", err)
	}
	t := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "assist-server"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(tlsLife),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if ip := net.ParseIP(host); ip != nil {
		t.IPAddresses = []net.IP{ip}
	} else {
		t.DNSNames = []string{host}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("server: tls certificate: %w", err)
	}
	return der, nil
}

// loadKeys reads what Init wrote, but for the sealed unit key.
func (s *Server) loadKeys() error {
	unit, err := readPEM(s.path(fileUnitPub), blockUnitPub)
	if err != nil {
		return err
	}
	if err := trust.CheckKey(unit); err != nil {
		return fmt.Errorf("server: %s: %w", fileUnitPub, err)
	}
	secret, err := readPEM(s.path(fileSecret), blockSecret)
	if err != nil {
		return err
	}
	if len(secret) != len(s.secret) {
		return fmt.Errorf("server: %s: not %d bytes", fileSecret, len(s.secret))
	}
	s.unit, s.secret = unit, [32]byte(secret)
	return s.loadTLS()
}

func writePEM(path, block string, b []byte) error {
	return writeFile(path, pem.EncodeToMemory(&pem.Block{Type: block, Bytes: b}))
}

// writeFile makes a file that only its owner reads, and refuses to replace one.
func writeFile(path string, b []byte) error { return writeAs(path, b, 0o600) }

// writeOpen writes what is carried from machine to machine and is no secret: everybody
// who reaches the server may read the charter.
func writeOpen(path string, b []byte) error { return writeAs(path, b, 0o644) }

// writeAs replaces nothing: a key that is overwritten is gone. What it reports as written is on
// the disk.
func writeAs(path string, b []byte, rights os.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, rights)
	if err != nil {
		return fullFile(path, fmt.Errorf("server: %w", err))
	}
	_, err = f.Write(b)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		// What was cut short would be taken for the file.
		return fullFile(path, fmt.Errorf("server: write %s: %w", path, errors.Join(err, os.Remove(path))))
	}
	return nil
}

// readPEM wants one block of that kind and nothing after it, or a file glued together would be
// read in part.
func readPEM(path, block string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	p, rest := pem.Decode(b)
	if p == nil || p.Type != block || len(rest) != 0 {
		return nil, fmt.Errorf("server: %s does not hold one %s", path, block)
	}
	return p.Bytes, nil
}
