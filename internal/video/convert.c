// SPDX-License-Identifier: Apache-2.0

//go:build cgo

#include "convert.h"

#include <stdlib.h>

#include <libyuv/scale.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

// libyuv has no BT.709 conversion towards YUV, and the one back is up to 12 steps
// wrong in blue (its coefficients have seven bits), so both are ours; libyuv
// scales. Coefficients are scaled by 1 << 14.
enum {
	SHIFT = 14,
	Y_B = 1016, Y_G = 10064, Y_R = 2991, // sum 219/255
	U_B = 7196, U_G = -5547, U_R = -1649,
	V_B = -660, V_G = -6536, V_R = 7196,
	Y_ROUND = (16 << SHIFT) + (1 << (SHIFT - 1)),
	// chroma is taken from the sum of four pixels: two bits more
	C_SHIFT = SHIFT + 2,
	C_ROUND = (128 << C_SHIFT) + (1 << (C_SHIFT - 1)),
};

static void luma(const uint8_t *p, uint8_t *y, int w) {
	for (int x = 0; x < w; x++, p += 4) {
		y[x] = (uint8_t)((Y_B * p[0] + Y_G * p[1] + Y_R * p[2] + Y_ROUND) >> SHIFT);
	}
}

static void chroma(const uint8_t *a, const uint8_t *b, uint8_t *u, uint8_t *v, int w) {
	for (int x = 0; x < w; x += 2, a += 8, b += 8) {
		int n = x + 1 < w ? 4 : 0;
		int blue = a[0] + a[n] + b[0] + b[n];
		int green = a[1] + a[n + 1] + b[1] + b[n + 1];
		int red = a[2] + a[n + 2] + b[2] + b[n + 2];
		u[x / 2] = (uint8_t)((U_B * blue + U_G * green + U_R * red + C_ROUND) >> C_SHIFT);
		v[x / 2] = (uint8_t)((V_B * blue + V_G * green + V_R * red + C_ROUND) >> C_SHIFT);
	}
}

#if defined(__SSE2__)

typedef struct {
	__m128i br, g; // coefficients for the (blue, red) and (green, unused) pairs
} weights;

static weights pair(int b, int g, int r) {
	weights k = {_mm_set1_epi32((int)((unsigned)r << 16 | ((unsigned)b & 0xffff))), _mm_set1_epi32(g & 0xffff)};
	return k;
}

static __m128i weigh(__m128i br, __m128i g, weights k) {
	return _mm_add_epi32(_mm_madd_epi16(br, k.br), _mm_madd_epi16(g, k.g));
}

static __m128i load(const uint8_t *p) { return _mm_loadu_si128((const __m128i *)p); }

// Eight pixels at a time; returns how many were done.
static int luma_fast(const uint8_t *p, uint8_t *y, int w) {
	const weights k = pair(Y_B, Y_G, Y_R);
	const __m128i mask = _mm_set1_epi16(0xff), round = _mm_set1_epi32(Y_ROUND);
	int x = 0;
	for (; x + 8 <= w; x += 8, p += 32) {
		__m128i a = load(p), b = load(p + 16);
		a = weigh(_mm_and_si128(a, mask), _mm_srli_epi16(a, 8), k);
		b = weigh(_mm_and_si128(b, mask), _mm_srli_epi16(b, 8), k);
		a = _mm_srai_epi32(_mm_add_epi32(a, round), SHIFT);
		b = _mm_srai_epi32(_mm_add_epi32(b, round), SHIFT);
		a = _mm_packs_epi32(a, b);
		_mm_storel_epi64((__m128i *)(y + x), _mm_packus_epi16(a, a));
	}
	return x;
}

// Adds the lanes of two vectors in pairs: four sums of two neighbours.
static __m128i neighbours(__m128i a, __m128i b) {
	__m128 fa = _mm_castsi128_ps(a), fb = _mm_castsi128_ps(b);
	__m128i even = _mm_castps_si128(_mm_shuffle_ps(fa, fb, _MM_SHUFFLE(2, 0, 2, 0)));
	__m128i odd = _mm_castps_si128(_mm_shuffle_ps(fa, fb, _MM_SHUFFLE(3, 1, 3, 1)));
	return _mm_add_epi32(even, odd);
}

static void store4(uint8_t *to, __m128i sum) {
	sum = _mm_srai_epi32(_mm_add_epi32(sum, _mm_set1_epi32(C_ROUND)), C_SHIFT);
	sum = _mm_packs_epi32(sum, sum);
	int four = _mm_cvtsi128_si32(_mm_packus_epi16(sum, sum));
	__builtin_memcpy(to, &four, 4);
}

static int chroma_fast(const uint8_t *a, const uint8_t *b, uint8_t *u, uint8_t *v, int w) {
	const weights ku = pair(U_B, U_G, U_R), kv = pair(V_B, V_G, V_R);
	const __m128i mask = _mm_set1_epi16(0xff);
	int x = 0;
	for (; x + 8 <= w; x += 8, a += 32, b += 32) {
		__m128i a0 = load(a), a1 = load(a + 16), b0 = load(b), b1 = load(b + 16);
		__m128i br0 = _mm_add_epi16(_mm_and_si128(a0, mask), _mm_and_si128(b0, mask));
		__m128i br1 = _mm_add_epi16(_mm_and_si128(a1, mask), _mm_and_si128(b1, mask));
		__m128i g0 = _mm_add_epi16(_mm_srli_epi16(a0, 8), _mm_srli_epi16(b0, 8));
		__m128i g1 = _mm_add_epi16(_mm_srli_epi16(a1, 8), _mm_srli_epi16(b1, 8));
		store4(u + x / 2, neighbours(weigh(br0, g0, ku), weigh(br1, g1, ku)));
		store4(v + x / 2, neighbours(weigh(br0, g0, kv), weigh(br1, g1, kv)));
	}
	return x;
}

#else

static int luma_fast(const uint8_t *p, uint8_t *y, int w) {
	(void)p, (void)y, (void)w;
	return 0;
}

static int chroma_fast(const uint8_t *a, const uint8_t *b, uint8_t *u, uint8_t *v, int w) {
	(void)a, (void)b, (void)u, (void)v, (void)w;
	return 0;
}

#endif

static void luma_row(const uint8_t *p, uint8_t *y, int w) {
	int done = luma_fast(p, y, w);
	luma(p + 4 * done, y + done, w - done);
}

void bgrx_to_i420(const uint8_t *bgrx, int stride, planes to, int w, int h) {
	for (int row = 0; row < h; row += 2) {
		const uint8_t *a = bgrx + (ptrdiff_t)row * stride;
		const uint8_t *b = row + 1 < h ? a + stride : a;
		luma_row(a, to.y + (ptrdiff_t)row * to.stride_y, w);
		if (b != a) {
			luma_row(b, to.y + (ptrdiff_t)(row + 1) * to.stride_y, w);
		}
		uint8_t *u = to.u + (ptrdiff_t)(row / 2) * to.stride_c;
		uint8_t *v = to.v + (ptrdiff_t)(row / 2) * to.stride_c;
		int done = chroma_fast(a, b, u, v, w);
		chroma(a + 4 * done, b + 4 * done, u + done / 2, v + done / 2, w - done);
	}
}

// The way back. The products are kept with three bits of fraction, in 16 bits.
enum {
	B_U = 8652, // 2.112402 << 12
	G_U = -873, // -0.213249 << 12
	G_V = -2183, // -0.532909 << 12
	R_V = 7343, // 1.792741 << 12
	A_Y = 9539, // 1.164384 << 13
};

static uint8_t clip(int v) { return v < 0 ? 0 : v > 255 ? 255 : (uint8_t)v; }

static void row_to_rgba(const uint8_t *y, const uint8_t *u, const uint8_t *v, uint8_t *to, int w) {
	for (int x = 0; x < w; x++, to += 4) {
		int a = A_Y * (y[x] - 16) + (1 << 12), d = u[x / 2] - 128, e = v[x / 2] - 128;
		to[0] = clip((a + 2 * R_V * e) >> 13);
		to[1] = clip((a + 2 * (G_U * d + G_V * e)) >> 13);
		to[2] = clip((a + 2 * B_U * d) >> 13);
		to[3] = 255;
	}
}

#if defined(__SSE2__)

static __m128i load4(const uint8_t *p) {
	int four;
	__builtin_memcpy(&four, p, 4);
	return _mm_cvtsi32_si128(four);
}

// Four chroma samples, each twice, around zero, times 128.
static __m128i twice(const uint8_t *p) {
	__m128i c = load4(p);
	c = _mm_unpacklo_epi8(_mm_unpacklo_epi8(c, c), _mm_setzero_si128());
	return _mm_slli_epi16(_mm_sub_epi16(c, _mm_set1_epi16(128)), 7);
}

static __m128i times(__m128i c, int k) { return _mm_mulhi_epi16(c, _mm_set1_epi16((short)k)); }

static __m128i bytes_of(__m128i v) {
	v = _mm_srai_epi16(v, 3);
	return _mm_packus_epi16(v, v);
}

static int row_to_rgba_fast(const uint8_t *y, const uint8_t *u, const uint8_t *v, uint8_t *to, int w) {
	int x = 0;
	for (; x + 8 <= w; x += 8, to += 32) {
		__m128i a = _mm_unpacklo_epi8(_mm_loadl_epi64((const __m128i *)(y + x)), _mm_setzero_si128());
		a = times(_mm_slli_epi16(_mm_sub_epi16(a, _mm_set1_epi16(16)), 6), A_Y);
		a = _mm_add_epi16(a, _mm_set1_epi16(5)); // half, and what the products lose
		__m128i d = twice(u + x / 2), e = twice(v + x / 2);
		__m128i r = bytes_of(_mm_add_epi16(a, times(e, R_V)));
		__m128i g = bytes_of(_mm_add_epi16(a, _mm_add_epi16(times(d, G_U), times(e, G_V))));
		__m128i b = bytes_of(_mm_add_epi16(a, times(d, B_U)));
		__m128i rg = _mm_unpacklo_epi8(r, g), ba = _mm_unpacklo_epi8(b, _mm_set1_epi8(-1));
		_mm_storeu_si128((__m128i *)to, _mm_unpacklo_epi16(rg, ba));
		_mm_storeu_si128((__m128i *)(to + 16), _mm_unpackhi_epi16(rg, ba));
	}
	return x;
}

#else

static int row_to_rgba_fast(const uint8_t *y, const uint8_t *u, const uint8_t *v, uint8_t *to, int w) {
	(void)y, (void)u, (void)v, (void)to, (void)w;
	return 0;
}

#endif

void i420_to_rgba(planes from, uint8_t *rgba, int stride, int w, int h) {
	for (int row = 0; row < h; row++) {
		const uint8_t *y = from.y + (ptrdiff_t)row * from.stride_y;
		const uint8_t *u = from.u + (ptrdiff_t)(row / 2) * from.stride_c;
		const uint8_t *v = from.v + (ptrdiff_t)(row / 2) * from.stride_c;
		uint8_t *to = rgba + (ptrdiff_t)row * stride;
		int done = row_to_rgba_fast(y, u, v, to, w);
		row_to_rgba(y + done, u + done / 2, v + done / 2, to + 4 * done, w - done);
	}
}

int i420_scale_to_rgba(planes from, int w, int h, uint8_t *rgba, int stride, int dw, int dh) {
	size_t cw = ((size_t)dw + 1) / 2, ch = ((size_t)dh + 1) / 2, luma_size = (size_t)dw * (size_t)dh;
	uint8_t *mem = malloc(luma_size + 2 * cw * ch);
	if (!mem) {
		return -1;
	}
	planes to = {mem, mem + luma_size, mem + luma_size + cw * ch, dw, (int)cw};
	I420Scale(from.y, from.stride_y, from.u, from.stride_c, from.v, from.stride_c, w, h,
		to.y, to.stride_y, to.u, to.stride_c, to.v, to.stride_c, dw, dh, kFilterBox);
	i420_to_rgba(to, rgba, stride, dw, dh);
	free(mem);
	return 0;
}
