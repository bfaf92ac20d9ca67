// SPDX-License-Identifier: Apache-2.0

#ifndef ASSIST_VIDEO_CONVERT_H
#define ASSIST_VIDEO_CONVERT_H

#include <stdint.h>

// The three planes of an I420 picture; u and v share one stride.
typedef struct {
	uint8_t *y, *u, *v;
	int stride_y, stride_c;
} planes;

// Converts w by h pixels, BT.709 limited range. An odd last column or row is
// its own neighbour in the chroma average.
void bgrx_to_i420(const uint8_t *bgrx, int stride, planes to, int w, int h);

// The way back, to R, G, B, A bytes.
void i420_to_rgba(planes from, uint8_t *rgba, int stride, int w, int h);

// Scales with a box filter and converts; 0, or -1 when memory ran out.
int i420_scale_to_rgba(planes from, int w, int h, uint8_t *rgba, int stride, int dw, int dh);

#endif
