//! Files of the tz database, written by the tests, so that no test needs one.

/// New York's rule since 2007.
pub const NEW_YORK: &str = "EST5EDT,M3.2.0,M11.1.0";

/// A file whose zone has followed this rule since ever: two empty data blocks,
/// of which the second one is that of version 2, and the rule.
pub fn rule(text: &str) -> Vec<u8> {
    let mut file = Vec::new();
    for _ in 0..2 {
        file.extend_from_slice(b"TZif2");
        file.extend_from_slice(&[0; 15]);
        for count in [0u32, 0, 0, 0, 1, 4] {
            file.extend_from_slice(&count.to_be_bytes());
        }
        // UTC ahead by nothing, no summer, the name at 0.
        file.extend_from_slice(&[0, 0, 0, 0, 0, 0]);
        file.extend_from_slice(b"LMT\0");
    }
    file.extend_from_slice(format!("\n{text}\n").as_bytes());
    file
}
