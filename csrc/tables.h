/* The tables that exist on this architecture, whether or not this CPU can run them. */
#ifndef BIRDFAST_TABLES_H
#define BIRDFAST_TABLES_H

#include "birdfast.h"

/* BIRDFAST_PORTABLE: what CPUs of other architectures get, to be tested on this one. */
#if defined(__x86_64__) && !defined(BIRDFAST_PORTABLE)
#define BF_X86
#endif

extern const bf_kernels bf_kernels_scalar;
extern const bf_kernels bf_kernels_baseline;
extern const bf_exact_kernels bf_exact_scalar;
extern const bf_exact_kernels bf_exact_baseline;
#if defined(BF_X86)
extern const bf_kernels bf_kernels_avx2;
extern const bf_kernels bf_kernels_avx512;
extern const bf_exact_kernels bf_exact_avx2;
extern const bf_exact_kernels bf_exact_avx512;
#endif

#endif
