//! A digest: a short text that identifies a total.

use twox_hash::XxHash3_64;

/// A sum of hashes of records, so that the order of records does not matter. The digest is the same on every machine.
#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Digest {
    sum: u64,
    product: u64,
    records: u64,
}

impl Digest {
    pub(crate) fn add(&mut self, record: &[u8]) {
        self.add_hash(XxHash3_64::oneshot(record));
    }

    /// Adds a record of a number and some bytes, without concatenating them.
    pub(crate) fn add_pair(&mut self, number: i64, bytes: &[u8]) {
        self.add_hash(XxHash3_64::oneshot_with_seed(number as u64, bytes));
    }

    /// Adds all records of another digest.
    pub(crate) fn absorb(&mut self, other: &Digest) {
        self.sum = self.sum.wrapping_add(other.sum);
        self.product = self.product.wrapping_add(other.product);
        self.records += other.records;
    }

    fn add_hash(&mut self, hash: u64) {
        self.sum = self.sum.wrapping_add(hash);
        // This second combination is independent. An undetected error would have to cancel out in both.
        self.product = self.product.wrapping_add(hash.rotate_left(32).wrapping_mul(hash | 1));
        self.records += 1;
    }

    pub(crate) fn finish(&self) -> String {
        format!("{:016x}{:016x}-{}", self.sum, self.product, self.records)
    }
}
