"""What is done to the content of a file."""

from hypothesis import strategies as st


@st.composite
def mutated(draw, content):
    """Return content of which some parts are changed, inserted, removed, repeated or moved."""
    content = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        stop = draw(
            st.integers(start, min(start + draw(st.sampled_from([1, 8, 300])), len(content)))
        )
        new = draw(
            st.one_of(
                st.binary(max_size=20),
                st.just(b""),
                st.sampled_from([b"\0" * 8, b"\xff" * 8, b"\xff" * 4, b"9" * 30, b"[" * 50, b"-1"]),
                st.integers(0, len(content)).map(lambda n: bytes(content[n : n + 30])),
            )
        )
        content[start:stop] = new
    return bytes(content)
