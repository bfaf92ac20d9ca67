// SPDX-License-Identifier: Apache-2.0

package evil

import (
	"bytes"
	"context"
	"crypto/tls"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"
	"golang.org/x/crypto/argon2"
	_ "modernc.org/sqlite" // the driver

	"assist/internal/rendezvous"
	"assist/internal/server"
	"assist/internal/trust"
)

const (
	passphrase = "the unit key of a small laboratory"
	password   = "seven grey herons over the weir"
	patience   = 60 * time.Second // for what must come, on a busy machine too
)

// machine is a host's key and its number.
type machine struct {
	key    *trust.HostKey
	number string
}

// person is a technician with an account.
type person struct {
	login, name string
	shade       uint8 // of the photo: all of it
	device      *trust.DeviceKey
	secret      string // of the one-time codes
}

// picture is what the person's photo is made of.
func (p *person) picture() io.Reader {
	m := image.NewGray(image.Rect(0, 0, 128, 128))
	for i := range m.Pix {
		m.Pix[i] = p.shade
	}
	var b bytes.Buffer
	_ = png.Encode(&b, m) // into memory; what is not whole is no photo, and found out
	return &b
}

// isOn says whether a photo is this person's.
func (p *person) isOn(photo image.Image) bool {
	if photo == nil {
		return false
	}
	y := color.GrayModel.Convert(photo.At(64, 64)).(color.Gray).Y
	return max(y, p.shade)-min(y, p.shade) < 8
}

// code is the one-time code of a moment.
func (p *person) code(t testing.TB, at time.Time) string {
	t.Helper()
	c, err := totp.GenerateCode(p.secret, at)
	must(t, err)
	return c
}

// ground is a unit: its server's folder and all the keys there are, which the tests
// hold as nobody else does. Making it takes some seconds, so all tests share it.
type ground struct {
	dir      string
	unit     *trust.UnitKey
	machines [2]machine
	people   [2]person
	numbers  trust.Numbers // each takes 0.3 s
}

var laid = sync.OnceValues(layGround)

func grounds(t testing.TB) *ground {
	t.Helper()
	g, err := laid()
	must(t, err)
	return g
}

func TestMain(m *testing.M) {
	if config := os.Getenv(programEnv); config != "" {
		fmt.Fprintln(os.Stderr, act(config))
		os.Exit(1)
	}
	// Databases that last until the end of the test need no disk: on a busy one, each
	// write would be waited for.
	dir, err := os.MkdirTemp("/dev/shm", "assist-evil-")
	if err != nil {
		dir, err = os.MkdirTemp("", "assist-evil-")
	}
	if err == nil {
		err = errors.Join(os.Setenv("ASSIST_EVIL_GROUND", dir), os.Setenv("TMPDIR", dir))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// layGround sets the unit up as an administrator and two technicians do.
func layGround() (*ground, error) {
	g := &ground{dir: filepath.Join(os.Getenv("ASSIST_EVIL_GROUND"), "template")}
	_, err := server.Init(g.dir, server.Options{Name: "INCI", Address: "127.0.0.1:4433", Listen: "127.0.0.1:0", STUN: "off", Passphrase: passphrase})
	if err != nil {
		return nil, err
	}
	if g.unit, err = trust.OpenUnitKey(filepath.Join(g.dir, "unit.key"), passphrase); err != nil {
		return nil, err
	}
	for i := range g.machines {
		m := &g.machines[i]
		if m.key, err = trust.NewHostKey(); err != nil {
			return nil, err
		}
		if m.number, err = m.key.MachineID(g.unit.Public()); err != nil {
			return nil, err
		}
	}
	s, stop, err := serve(g.dir)
	if err != nil {
		return nil, err
	}
	for i, who := range []person{{login: "claire", name: "Claire Dubois", shade: 0x40}, {login: "paul", name: "Paul Martin", shade: 0xc0}} {
		if err := g.enrol(s, &who); err != nil {
			return nil, errors.Join(err, stop())
		}
		g.people[i] = who
	}
	for i := range g.machines {
		if err := g.register(s, g.machines[i].key); err != nil {
			return nil, errors.Join(err, stop())
		}
	}
	if err := stop(); err != nil {
		return nil, err
	}
	return g, cheapen(g.dir)
}

// register makes a machine known, which is slow the first time.
func (g *ground) register(s *server.Server, key *trust.HostKey) error {
	at, err := g.at(s)
	if err != nil {
		return err
	}
	h, err := rendezvous.NewHost(at, key)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_ = h.Run(ctx)
	}()
	ok := until(patience, func() bool { return h.State().Phase == rendezvous.Ready })
	cancel()
	<-gone
	if !ok {
		return fmt.Errorf("%w: a machine is not let in: %w", errWrong, h.State().Err)
	}
	return nil
}

// at is the server as an app finds it that has seen nothing of it yet.
func (g *ground) at(s *server.Server) (rendezvous.Config, error) {
	code := s.JoinCode()
	w, err := trust.NewWitness(filepath.Join(filepath.Dir(g.dir), "seen"), code.Unit, nil)
	return rendezvous.Config{Server: s.Addr().String(), Pin: code.Pin, Witness: w, Log: slog.New(slog.DiscardHandler)}, err
}

// serve runs the server of a folder.
func serve(dir string) (*server.Server, func() error, error) {
	s, err := server.Open(dir, server.Options{Version: "evil", Passphrase: passphrase})
	if err != nil {
		return nil, nil, err
	}
	if err := s.Listen(); err != nil {
		return nil, nil, errors.Join(err, s.Close())
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- s.Run(ctx) }()
	return s, func() error {
		cancel()
		err := <-ran
		if errors.Is(err, context.Canceled) {
			err = nil
		}
		return errors.Join(err, s.Close())
	}, nil
}

// enrol makes a technician's account theirs, and machine and account known.
func (g *ground) enrol(s *server.Server, who *person) error {
	ctx, cancel := context.WithTimeout(context.Background(), 3*patience)
	defer cancel()
	code, err := s.AddTechnician(ctx, server.Technician{Login: who.login, Name: who.name, Role: "Assistance"})
	if err != nil {
		return err
	}
	if _, err := s.SetPhoto(ctx, who.login, who.picture()); err != nil {
		return err
	}
	if who.device, err = trust.NewDeviceKey(); err != nil {
		return err
	}
	at, err := g.at(s)
	if err != nil {
		return err
	}
	account, err := rendezvous.NewTechnician(at, who.device)
	if err != nil {
		return err
	}
	_, err = account.Enrol(ctx, code, password, func(_, text string) (string, error) {
		u, err := url.Parse(text)
		if err != nil {
			return "", err
		}
		who.secret = u.Query().Get("secret")
		return totp.GenerateCodeCustom(who.secret, time.Now(), totp.ValidateOpts{Period: 30, Digits: otp.DigitsSix})
	})
	return err
}

// database opens the server's own, as whoever owns the server can.
func database(dir string) (*sql.DB, error) {
	return sql.Open("sqlite", "file:"+filepath.Join(dir, "assist.db")+"?_pragma=busy_timeout(10000)")
}

// cheapen gives the accounts a password hash that takes no time: hundreds of log-ins
// are made here, and how slow one is is no matter of this test.
func cheapen(dir string) error {
	db, err := database(dir)
	if err != nil {
		return err
	}
	salt := make([]byte, 16)
	b := base64.RawStdEncoding
	hash := "$argon2id$v=19$m=64,t=1,p=1$" + b.EncodeToString(salt) + "$" +
		b.EncodeToString(argon2.IDKey([]byte(password), salt, 1, 64, 1, 32))
	_, err = db.Exec(`update technician set password = ?`, hash)
	return errors.Join(err, db.Close())
}

// forgive makes the server forget what a run before left behind: spent codes, failed
// attempts, sessions. The journal stays.
func forgive(t testing.TB, db *sql.DB) {
	t.Helper()
	for _, s := range []string{`delete from attempt`, `delete from session`, `update technician set totp_last_step = 0`} {
		_, err := db.Exec(s)
		must(t, err)
	}
}

// copyOf is a server folder of one's own, like the template.
func (g *ground) copyOf(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	must(t, os.CopyFS(dir, os.DirFS(g.dir)))
	must(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return errors.Join(err, os.Chmod(path, 0o700))
		}
		return os.Chmod(path, 0o600)
	}))
	return dir
}

// certificate is the TLS key of a server's folder: who lies here owns it.
func certificate(t testing.TB, dir string) tls.Certificate {
	t.Helper()
	c, err := pair(dir)
	must(t, err)
	return c
}

func pair(dir string) (tls.Certificate, error) {
	return tls.LoadX509KeyPair(filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
