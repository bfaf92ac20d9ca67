// SPDX-License-Identifier: Apache-2.0

package rendezvous

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"

	"assist/internal/trust"
)

// Where the server publishes.
const (
	charterPath   = "/v1/charter"
	rotationsPath = "/v1/rotations"
)

// maxRotations is how long a chain of rotations can be as it travels.
const maxRotations = trust.MaxRotations * (sizeOfLength + trust.MaxRotation)

// sizeOfLength is how many bytes before a rotation say how long it is.
const sizeOfLength = 4

// offer is what a server publishes. Nothing in it is believed yet.
type offer struct {
	rotations [][]byte
	charter   []byte
}

// fetch gets what the server publishes, in bounded time and size. Rotations come
// first, so that a charter is never older than the key it is held against.
func (c *Charters) fetch(ctx context.Context, n notice) (offer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.pace.dial)
	defer cancel()
	transport := n.from.transport(n.open, nil)
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, CheckRedirect: noRedirect}
	var o offer
	b, err := get(ctx, client, n.from.url(rotationsPath), maxRotations)
	if err == nil {
		o.rotations, err = splitRotations(b)
	}
	if err == nil {
		o.charter, err = get(ctx, client, n.from.url(charterPath), trust.MaxCharter)
	}
	return o, err
}

// get reads one document of at most limit bytes.
func get(ctx context.Context, client *http.Client, url string, limit int64) ([]byte, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	answer, err := client.Do(q)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLost, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%w: status %d", ErrServer, answer.StatusCode)
	}
	b, err := io.ReadAll(io.LimitReader(answer.Body, limit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrLost, err)
	case int64(len(b)) > limit:
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrServer, limit)
	}
	return b, nil
}

// splitRotations takes a chain apart: before each link its length, 4 bytes,
// big-endian.
func splitRotations(b []byte) ([][]byte, error) {
	var chain [][]byte
	for len(b) > 0 {
		if len(b) < sizeOfLength || len(chain) == trust.MaxRotations {
			return nil, fmt.Errorf("%w: rotations", ErrServer)
		}
		n := int64(binary.BigEndian.Uint32(b))
		b = b[sizeOfLength:]
		if n == 0 || n > trust.MaxRotation || n > int64(len(b)) {
			return nil, fmt.Errorf("%w: rotations", ErrServer)
		}
		chain, b = append(chain, b[:n:n]), b[n:]
	}
	return chain, nil
}
