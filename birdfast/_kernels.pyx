"""The Cython door to the compiled kernels: one check of shapes, one `with nogil`, one call."""

from libc.math cimport INFINITY
from libc.stdint cimport int16_t, int32_t, uintptr_t
from libc.string cimport memset

from birdfast.errors import ConfigError

BLOCK = BF_BLOCK
BLOCKS_MULTIPLE = BF_BLOCKS_MULTIPLE
MAX_NEAREST = BF_MAX_NEAREST
MAX_VALUES = BF_MAX_VALUES
INT16_STEPS = BF_INT16_STEPS
INT8_STEPS = BF_INT8_STEPS

PARTS = {
    "power": BF_PART_POWER,
    "magnitude": BF_PART_MAGNITUDE,
    "real": BF_PART_REAL,
    "complex": BF_PART_COMPLEX,
}
POSTS = {"none": BF_POST_NONE, "log": BF_POST_LOG, "pow": BF_POST_POW}
PADS = {
    "none": BF_PAD_NONE,
    "zero": BF_PAD_ZERO,
    "reflect": BF_PAD_REFLECT,
    "edge": BF_PAD_EDGE,
}
SEARCHES = {
    "all": BF_SEARCH_ALL,
    "float": BF_SEARCH_FLOAT,
    "int16": BF_SEARCH_INT16,
    "int8": BF_SEARCH_INT8,
    "tree": BF_SEARCH_TREE,
}
WINDOWS = {
    "hann": BF_WINDOW_HANN,
    "hamming": BF_WINDOW_HAMMING,
    "blackman": BF_WINDOW_BLACKMAN,
    "boxcar": BF_WINDOW_BOXCAR,
}
MEL_SCALES = {"slaney": BF_MEL_SLANEY, "htk": BF_MEL_HTK}
LEVELS = {None: BF_LEVEL_LINEAR, "natural": BF_LEVEL_NATURAL, "db": BF_LEVEL_DECIBELS}


def cpu_tables():
    names = []
    while bf_table(len(names)) != NULL:
        names.append(bf_table(len(names)).name.decode())
    return tuple(names)


def cpu_table():
    return find_table(None).name.decode()


cdef const bf_kernels *find_table(object name) except NULL:
    cdef const bf_kernels *kernels
    cdef bytes encoded
    if name is None:
        kernels = bf_table_chosen()
        if kernels == NULL:
            import os
            name = os.environ["BIRDFAST_CPU"]
            raise ConfigError(f"BIRDFAST_CPU={name}: this CPU has {', '.join(cpu_tables())}")
    else:
        encoded = name.encode("utf-8", "replace") if isinstance(name, str) else b"none"
        kernels = bf_table_named(encoded)
        if kernels == NULL:
            raise ConfigError(f"cpu={name!r}: this CPU has {', '.join(cpu_tables())}")
    return kernels


cdef object choice(dict names, object name, str what):
    if name not in names:
        raise ValueError(f"{what}={name!r}: one of {', '.join(names)}")
    return names[name]


cdef void require(bint holds, str what) except *:
    if not holds:
        raise ValueError(what)


cdef void *aligned(unsigned char[::1] scratch) noexcept:
    cdef uintptr_t start = <uintptr_t>&scratch[0]
    return <void *>(start + (-start) % <uintptr_t>BF_ALIGNMENT)


cdef bytearray scratch_of(size_t n_bytes):
    return bytearray(n_bytes + BF_ALIGNMENT)


include "_tables.pxi"
include "_plans.pxi"


def normalize(const float[::1] x, float[::1] out, *, cpu=None):
    cdef const bf_kernels *kernels = find_table(cpu)
    require(out.shape[0] == x.shape[0], "out: as long as x")
    if x.shape[0] > 0:
        with nogil:
            kernels.normalize(&x[0], x.shape[0], &out[0])


def project(
    const float[:, :] x, const float[:, ::1] matrix, float[:, ::1] out, *,
    float floor=-INFINITY, cpu=None,
):
    cdef const bf_kernels *kernels = find_table(cpu)
    cdef Py_ssize_t n_in = x.shape[1], n_out = matrix.shape[0]
    require(matrix.shape[1] == n_in, "matrix: as many columns as x")
    require(x.strides[1] == sizeof(float) and x.strides[0] % sizeof(float) == 0, "x: rows without gaps")
    require(out.shape[0] == x.shape[0] and out.shape[1] == n_out, "out: [rows of x, rows of matrix]")
    require(1 <= n_in < 2**24 and 1 <= n_out < 2**24, "matrix: 1 to 2**24 rows and columns")
    if x.shape[0] == 0:
        return
    scratch = scratch_of((n_in + n_out) * kernels.lanes * sizeof(float))
    cdef void *space = aligned(scratch)
    with nogil:
        kernels.project(&x[0, 0], x.strides[0] // <Py_ssize_t>sizeof(float), x.shape[0], n_in, floor,
                        &matrix[0, 0], n_out, &out[0, 0], n_out, space)


def statistics(const float[:, ::1] x, float[:, ::1] out, *, cpu=None):
    cdef const bf_kernels *kernels = find_table(cpu)
    require(x.shape[0] >= 1, "x: one row at least")
    require(out.shape[0] == 3 and out.shape[1] == x.shape[1], "out: [3, columns of x]")
    require(1 <= x.shape[1] < 2**24, "x: 1 to 2**24 columns")
    with nogil:
        kernels.statistics(&x[0, 0], x.shape[0], <int32_t>x.shape[1], &out[0, 0])


def medians(const float[:, ::1] x, float[::1] out, *, cpu=None):
    cdef const bf_kernels *kernels = find_table(cpu)
    require(x.shape[0] >= 1, "x: one row at least")
    require(out.shape[0] == x.shape[1], "out: a value for each column of x")
    require(1 <= x.shape[1] < 2**24, "x: 1 to 2**24 columns")
    with nogil:
        kernels.medians(&x[0, 0], x.shape[0], <int32_t>x.shape[1], &out[0])


def log(const float[::1] x, float[::1] out, *, cpu=None):
    cdef const bf_kernels *kernels = find_table(cpu)
    require(out.shape[0] == x.shape[0], "out: as long as x")
    if x.shape[0] > 0:
        with nogil:
            kernels.log(&x[0], x.shape[0], &out[0])


def exp(const float[::1] x, float[::1] out, *, cpu=None):
    cdef const bf_kernels *kernels = find_table(cpu)
    require(out.shape[0] == x.shape[0], "out: as long as x")
    if x.shape[0] > 0:
        with nogil:
            kernels.exp(&x[0], x.shape[0], &out[0])


def pow(const float[::1] x, float exponent, float[::1] out, *, cpu=None):
    cdef const bf_kernels *kernels = find_table(cpu)
    require(out.shape[0] == x.shape[0], "out: as long as x")
    require(-10_000 <= exponent <= 10_000, "exponent: at most 10,000 in size")
    if x.shape[0] > 0:
        with nogil:
            kernels.pow(&x[0], x.shape[0], exponent, &out[0])


include "_stsg.pxi"
