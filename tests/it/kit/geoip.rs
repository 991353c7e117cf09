//! A tiny database of places in the MaxMind format, written byte by byte: everything below
//! `127.0.0.0/8` is in one town, and nothing else is known.
//!
//! The format is public (MaxMind DB File Format Specification 2.0): a binary tree over the bits of an
//! address, sixteen zero bytes, the records, and a map that says how to read them.

/// Where this machine is.
pub const PLACE: &str = "Lisbon, Portugal";

const MARKER: &[u8] = b"\xab\xcd\xefMaxMind.com";
/// The bits of 127, the first byte of the network.
const BITS: [u8; 8] = [0, 1, 1, 1, 1, 1, 1, 1];

/// The bytes of the file.
pub fn database() -> Vec<u8> {
    let nodes = u32::try_from(BITS.len()).expect("a few");
    let mut file = Vec::new();
    for (node, bit) in (0..).zip(BITS) {
        // A pointer to the first record, counted as the format wants it.
        let onward = if node + 1 == nodes { nodes + 16 } else { node + 1 };
        let sides = if bit == 0 { [onward, nodes] } else { [nodes, onward] };
        for side in sides {
            file.extend(&side.to_be_bytes()[1..]);
        }
    }
    file.extend([0; 16]);
    file.extend(map(&[("city", named("Lisbon")), ("country", named("Portugal"))]));
    file.extend(MARKER);
    file.extend(map(&[
        ("binary_format_major_version", number(5, &2_u16.to_be_bytes())),
        ("binary_format_minor_version", number(5, &0_u16.to_be_bytes())),
        ("build_epoch", [&[8, 2][..], &1_763_700_000_u64.to_be_bytes()].concat()),
        ("database_type", text("Test-City")),
        ("description", map(&[("en", text("places of a test"))])),
        ("ip_version", number(5, &4_u16.to_be_bytes())),
        ("languages", [&[1, 4][..], &text("en")].concat()),
        ("node_count", number(6, &nodes.to_be_bytes())),
        ("record_size", number(5, &24_u16.to_be_bytes())),
    ]));
    file
}

fn named(name: &str) -> Vec<u8> {
    map(&[("names", map(&[("de", text("anders")), ("en", text(name))]))])
}

fn text(text: &str) -> Vec<u8> {
    assert!(text.len() < 29, "longer ones have another header");
    let header = (2 << 5) | u8::try_from(text.len()).expect("short");
    [&[header], text.as_bytes()].concat()
}

fn number(kind: u8, bytes: &[u8]) -> Vec<u8> {
    let header = (kind << 5) | u8::try_from(bytes.len()).expect("short");
    [&[header], bytes].concat()
}

fn map(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = vec![(7 << 5) | u8::try_from(members.len()).expect("short")];
    for (name, value) in members {
        bytes.extend(text(name));
        bytes.extend(value);
    }
    bytes
}
