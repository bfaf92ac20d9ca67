// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"image"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pion/transport/v4"
	"github.com/pion/transport/v4/stdnet"

	"assist/internal/screen"
)

// shapedNet is a slow link in one direction: packets queue for a bottleneck, travel
// for a while, and are dropped when the queue is long.
type shapedNet struct {
	*stdnet.Net
	mu       sync.Mutex
	capacity float64 // bit/s
	oneWay   time.Duration
	longest  time.Duration // queue beyond which packets are dropped
	free     time.Time
	dropped  int
	out      chan shaped
	done     chan struct{}
}

type shaped struct {
	at   time.Time
	b    []byte
	to   net.Addr
	conn transport.UDPConn
}

// Interfaces is the loopback alone: what others on this machine make and take away while a
// test runs is no path of its own.
func (n *shapedNet) Interfaces() ([]*transport.Interface, error) { return loopback(n.Net) }

func loopback(n *stdnet.Net) ([]*transport.Interface, error) {
	all, err := n.Interfaces()
	return slices.DeleteFunc(slices.Clone(all), func(i *transport.Interface) bool { return i.Flags&net.FlagLoopback == 0 }), err
}

func newShapedNet(t testing.TB, capacity float64) *shapedNet {
	t.Helper()
	std, err := stdnet.NewNet()
	if err != nil {
		t.Fatal(err)
	}
	n := &shapedNet{
		Net: std, capacity: capacity, oneWay: 20 * time.Millisecond, longest: 400 * time.Millisecond,
		out: make(chan shaped, 10_000), done: make(chan struct{}),
	}
	go n.deliver()
	t.Cleanup(func() { close(n.done) })
	return n
}

func (n *shapedNet) deliver() {
	for {
		select {
		case p := <-n.out:
			select {
			case <-time.After(time.Until(p.at)):
			case <-n.done:
				return
			}
			_, _ = p.conn.WriteTo(p.b, p.to)
		case <-n.done:
			return
		}
	}
}

func (n *shapedNet) ListenUDP(network string, at *net.UDPAddr) (transport.UDPConn, error) {
	c, err := roomy{n.Net}.ListenUDP(network, at)
	if err != nil {
		return nil, err
	}
	return &shapedConn{c, n}, nil
}

type shapedConn struct {
	transport.UDPConn
	net *shapedNet
}

func (c *shapedConn) WriteTo(b []byte, to net.Addr) (int, error) {
	n := c.net
	n.mu.Lock()
	defer n.mu.Unlock()
	now := time.Now()
	if n.free.Before(now) {
		n.free = now
	}
	if n.free.Sub(now) > n.longest {
		n.dropped++
		return len(b), nil
	}
	n.free = n.free.Add(time.Duration(float64(8*(len(b)+28)) / n.capacity * float64(time.Second)))
	select {
	case n.out <- shaped{n.free.Add(n.oneWay), slices.Clone(b), to, c.UDPConn}:
	default:
		n.dropped++
	}
	return len(b), nil
}

// noisy is a frame that no codec makes small, with a moving part.
func noisy(f *screen.Frame, rnd *rand.Rand) {
	r := image.Rect(0, 0, 256, 256)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			i := y*f.Stride + 4*x
			v := byte(rnd.IntN(256))
			f.Pix[i], f.Pix[i+1], f.Pix[i+2] = v, v, v
		}
	}
	f.Damage = []image.Rectangle{r}
}

// Work that wants far more than the link carries: the frame rate gives way, the
// queue stays short and nothing has to be asked for.
func TestSlowLinkCarriesWhatItCan(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	n := newShapedNet(t, 8e6)
	p := newPair(t, setup{hostNet: n})
	f := picture(0, image.Pt(640, 480), 1)
	rnd := rand.New(rand.NewPCG(1, 1))
	go func() {
		for {
			if _, err := p.technician.Picture(t.Context(), 0); err != nil {
				return
			}
		}
	}()
	var queues []time.Duration
	end := time.Now().Add(6 * time.Second)
	for time.Now().Before(end) {
		noisy(f, rnd)
		p.show(t, f)
		if time.Until(end) < 4*time.Second {
			n.mu.Lock()
			queues = append(queues, time.Until(n.free))
			n.mu.Unlock()
		}
	}
	h, v := p.host.Stats(), p.technician.Stats()
	slices.Sort(queues)
	t.Logf("host %+v", h)
	t.Logf("technician %+v", v)
	t.Logf("dropped %d, queue p50 %v, worst %v", n.dropped, queues[len(queues)/2], queues[len(queues)-1])
	// how much comes through depends on the machine too; TestRateFollowsTheLink
	// asserts the rate itself, in simulated time
	if v.FramesReceived+20 < h.FramesSent || v.FramesReceived == 0 {
		t.Errorf("of %d frames %d came through", h.FramesSent, v.FramesReceived)
	}
	if q := queues[len(queues)/2]; q > 150*time.Millisecond {
		t.Errorf("the queue is %v long", q)
	}
}
