//! Bits of a byte string, read one after the other: parameter sets and descriptors.

/// Bits of a slice, the highest of each byte first. Every read is bounded by the slice.
pub struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    /// From the first byte on.
    pub fn new(bytes: &'a [u8]) -> Self {
        Bits { bytes, at: 0 }
    }

    /// Up to 32 bits as a number.
    pub fn take(&mut self, count: u32) -> Option<u32> {
        let mut value = 0_u32;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    /// One bit.
    pub fn flag(&mut self) -> Option<bool> {
        Some(self.take(1)? == 1)
    }

    /// How many bits were read.
    pub fn position(&self) -> usize {
        self.at
    }

    /// A number below `values` (at least 1), in as few bits as its neighbours allow (`ns(n)` of AV1, section 4.10.7).
    pub fn non_symmetric(&mut self, values: u32) -> Option<u32> {
        let width = 32 - values.leading_zeros();
        let short = (1_u32 << width) - values;
        let value = self.take(width - 1)?;
        if value < short {
            return Some(value);
        }
        Some((value << 1) - short + self.take(1)?)
    }

    /// An Exp-Golomb number; the same form as AV1's `uvlc`.
    pub fn golomb(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.take(1)? == 0 {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some(self.take(zeros)?.wrapping_add((1 << zeros) - 1))
    }

    /// The signed form: 1, -1, 2, -2 and so on.
    pub fn signed_golomb(&mut self) -> Option<i32> {
        let number = i64::from(self.golomb()?);
        let magnitude = (number + 1) / 2;
        i32::try_from(if number % 2 == 1 { magnitude } else { -magnitude }).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_a_bounded_range_take_fewer_bits_where_they_can() {
        // Five values: 0, 1 and 2 in two bits, 3 and 4 in three.
        let mut bits = Bits::new(&[0b0001_1011, 0b0111_0000]);
        let values: Vec<_> = (0..5).filter_map(|_| bits.non_symmetric(5)).collect();
        assert_eq!((values, bits.position()), (vec![0, 1, 2, 3, 4], 12));
        assert_eq!(Bits::new(&[0xFF]).non_symmetric(1), Some(0), "one value takes none");
        assert_eq!(Bits::new(&[]).non_symmetric(5), None);
    }
}
