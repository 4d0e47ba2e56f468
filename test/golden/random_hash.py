"""The hash of src/metrics/random.ts, on which random labels and all seeds stand, for the reference values and for the benchmark's twin."""

MASK = (1 << 64) - 1


def mix64(value):
    z = (value + 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def hash64(*parts):
    value = mix64(0)
    for part in parts:
        value = mix64(value ^ (part & MASK))
    return value
