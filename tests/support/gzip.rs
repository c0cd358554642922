//! Writes gzip, and nothing else: ordinary bodies in stored blocks, and bombs.
//! There is no real compressor here and no reader.

/// Magic, deflate, no flags, no time, no extra flags, unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// `data` as a gzip stream of stored blocks: a bit longer than before, but every
/// reader has to decode it.
pub fn stored(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() + data.len() / 65_535 * 5 + 32);
    out.extend_from_slice(&HEADER);
    let mut blocks = data.chunks(65_535).peekable();
    if blocks.peek().is_none() {
        out.extend_from_slice(&[1, 0, 0, 0xff, 0xff]);
    }
    while let Some(block) = blocks.next() {
        let length = block.len() as u16;
        out.push(u8::from(blocks.peek().is_none()));
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&(!length).to_le_bytes());
        out.extend_from_slice(block);
    }
    trailer(&mut out, crc32(data), data.len() as u64);
    out
}

/// A valid gzip stream that decodes to `size` spaces. Spaces, since JSON allows
/// any number of them: a reader without a limit cannot refuse early.
///
/// One dynamic block in which "258 bytes at distance 1" costs two bits, both
/// zero: 1 GiB takes about 1 MiB.
pub fn bomb(size: u64) -> Vec<u8> {
    let mut bits = Bits {
        out: HEADER.to_vec(),
        free: 0,
    };
    bits.number(1, 1); // the last block
    bits.number(2, 2); // dynamic codes
    bits.number(286 - 257, 5); // literal and length codes
    bits.number(2 - 1, 5); // distance codes
    bits.number(18 - 4, 4); // code length codes, the last two left out
    // Lengths of the code length codes, in the order of RFC 1951, 3.2.7: symbol 18
    // is third, 2 sixteenth, 1 eighteenth. Hence the codes 18: 0, 1: 10, 2: 11.
    for place in 0..18 {
        bits.number(
            match place {
                2 => 1,
                15 | 17 => 2,
                _ => 0,
            },
            3,
        );
    }
    let zeros = |bits: &mut Bits, count: u32| {
        bits.code("0");
        bits.number(count - 11, 7);
    };
    zeros(&mut bits, 32);
    bits.code("11"); // the space: 2 bits
    zeros(&mut bits, 138);
    zeros(&mut bits, 255 - 32 - 138);
    bits.code("11"); // end of block: 2 bits
    zeros(&mut bits, 28);
    bits.code("10"); // length 258: 1 bit
    bits.code("10"); // distance 1: 1 bit
    bits.code("10"); // distance 2: unused, but it makes the code complete

    // So a space is 10, the end 11, and a match two zeros.
    if size > 0 {
        bits.code("10");
        let matches = (size - 1) / 258;
        for _ in 0..(size - 1) % 258 {
            bits.code("10");
        }
        bits.zeros(2 * matches);
    }
    bits.code("11");
    let mut out = bits.out;
    trailer(&mut out, crc32_of_spaces(size), size);
    out
}

fn trailer(out: &mut Vec<u8>, crc: u32, size: u64) {
    out.extend_from_slice(&crc.to_le_bytes());
    out.extend_from_slice(&(size as u32).to_le_bytes());
}

/// The checksum of gzip.
pub fn crc32(data: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut byte = 0;
        while byte < 256 {
            table[byte] = shift_byte(byte as u32);
            byte += 1;
        }
        table
    };
    !data.iter().fold(!0, |crc, byte| {
        TABLE[usize::from(crc as u8 ^ byte)] ^ (crc >> 8)
    })
}

const fn shift_byte(mut crc: u32) -> u32 {
    let mut bit = 0;
    while bit < 8 {
        crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        bit += 1;
    }
    crc
}

/// The checksum of `count` spaces without touching them, since a gigabyte of them
/// takes a debug build half a minute. Taking in a byte is `x -> A x + c` over
/// GF(2), so taking in many is a power of that map, by squaring.
fn crc32_of_spaces(mut count: u64) -> u32 {
    let apply = |columns: &[u32; 32], x: u32| {
        (0..32).fold(0, |sum, bit| {
            sum ^ (columns[bit] & (x >> bit & 1).wrapping_neg())
        })
    };
    let mut constant = shift_byte(u32::from(b' '));
    let mut columns: [u32; 32] = std::array::from_fn(|bit| shift_byte(1 << bit));
    let mut crc = !0;
    while count > 0 {
        if count & 1 == 1 {
            crc = apply(&columns, crc) ^ constant;
        }
        constant ^= apply(&columns, constant);
        columns = columns.map(|column| apply(&columns, column));
        count >>= 1;
    }
    !crc
}

/// Bits, the lowest of each byte first.
struct Bits {
    out: Vec<u8>,
    /// Bits still free in the last byte.
    free: u32,
}

impl Bits {
    fn bit(&mut self, bit: bool) {
        if self.free == 0 {
            self.out.push(0);
            self.free = 8;
        }
        if bit && let Some(last) = self.out.last_mut() {
            *last |= 1 << (8 - self.free);
        }
        self.free -= 1;
    }

    /// Numbers go lowest bit first,
    fn number(&mut self, value: u32, width: u32) {
        for place in 0..width {
            self.bit(value >> place & 1 == 1);
        }
    }

    /// codes highest bit first.
    fn code(&mut self, code: &str) {
        for bit in code.bytes() {
            self.bit(bit == b'1');
        }
    }

    fn zeros(&mut self, count: u64) {
        let rest = count.saturating_sub(u64::from(self.free));
        self.free = self.free.saturating_sub(count.min(8) as u32);
        self.out.resize(self.out.len() + (rest / 8) as usize, 0);
        for _ in 0..rest % 8 {
            self.bit(false);
        }
    }
}
