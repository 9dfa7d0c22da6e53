//! Generates the rows of the table `product(product_id, product_name)` of the book's chapter 5 from a seed, and loads
//! them by binary COPY.
//!
//! A row depends only on the seed and its id, so tests can compare rows without storing them.

use std::pin::pin;

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::SinkExt;
use postgres::Contents;
use tokio_postgres::Client;

use crate::error::Error;
use crate::random::{Random, mix};

/// The bytes per row on a server, from `pg_total_relation_size` of a hundred thousand rows. This includes the index.
pub const BYTES_PER_ROW: u64 = 92;

/// The number of rows of the table in the book.
pub const BOOK_ROWS: u64 = 1000;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// The number of the row, counted from 1.
    pub product_id: i32,
    /// Brand, adjective, noun and size. A name has four to six words, 20 to 45 bytes and sometimes letters outside
    /// ASCII.
    pub product_name: String,
}

/// A table of products. Equal seeds give equal rows on every platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Products {
    seed: u64,
    count: i32,
}

impl Products {
    /// Makes a table with the rows 1 to `count`.
    ///
    /// # Errors
    ///
    /// When `count` exceeds the largest `product_id`, 2 147 483 647.
    pub fn new(seed: u64, count: u64) -> Result<Self, Error> {
        let count = i32::try_from(count).map_err(|_| Error::TooManyProducts { count })?;
        Ok(Self { seed, count })
    }

    /// Returns the rows in the order of ids.
    pub fn rows(self) -> impl Iterator<Item = Product> {
        (1..=self.count).map(move |product_id| {
            let mut product_name = String::new();
            self.name(product_id).for_each(|part| product_name.push_str(part));
            Product { product_id, product_name }
        })
    }

    /// Returns the table in the format of PostgreSQL's binary COPY, in buffers of about 64 KiB.
    pub fn copy_stream(self) -> CopyStream {
        CopyStream { products: self, next: Next::Header }
    }

    /// Copies all rows into `table`, which must have the columns [`Products::COLUMNS`]. Returns the number of rows that
    /// the server stored.
    ///
    /// `table` becomes part of the statement unchanged, so the caller must quote it if SQL requires that.
    ///
    /// # Errors
    ///
    /// When the table is missing, an id already exists or the connection is lost. In each case no row is added.
    pub async fn load(self, client: &Client, table: &str) -> Result<u64, tokio_postgres::Error> {
        // If the server refuses a COPY at its start, the client is unusable afterwards (rust-postgres issue 789).
        // Therefore this statement checks table and columns first.
        client.prepare(&format!("INSERT INTO {table} (product_id, product_name) VALUES ($1, $2)")).await?;
        let copy = format!("COPY {table} (product_id, product_name) FROM STDIN (FORMAT binary)");
        let mut sink = pin!(client.copy_in(&copy).await?);
        for buffer in self.copy_stream() {
            sink.send(buffer).await?;
        }
        sink.finish().await
    }

    /// Returns the parts of the name of a product.
    fn name(self, product_id: i32) -> impl Iterator<Item = &'static str> {
        let mut random = Random::new(mix(mix(self.seed) ^ u64::from(product_id.cast_unsigned())));
        [random.pick(&BRANDS), " ", random.pick(&ADJECTIVES), " ", random.pick(&NOUNS), " ", random.pick(&SIZES)]
            .into_iter()
    }
}

impl Contents for Products {
    const TABLE: &'static str = "product";
    const COLUMNS: &'static str = "product_id int4 PRIMARY KEY, product_name text NOT NULL";

    fn rows(&self) -> u64 {
        u64::from(self.count.cast_unsigned())
    }

    fn bytes(&self) -> u64 {
        Contents::rows(self) * BYTES_PER_ROW
    }

    /// Returns the seed, the count, and the first rows as this version generates them.
    fn identity(&self) -> Vec<u8> {
        let first = self.copy_stream().next().unwrap_or_default();
        [format!("{self:?}").as_bytes(), &first].concat()
    }

    async fn fill(&self, client: &Client, table: &str) -> Result<(), tokio_postgres::Error> {
        self.load(client, table).await.map(drop)
    }
}

/// The buffers of [`Products::copy_stream`].
#[derive(Clone, Debug)]
pub struct CopyStream {
    products: Products,
    next: Next,
}

/// The next part of a [`CopyStream`].
#[derive(Clone, Copy, Debug)]
enum Next {
    Header,
    /// The row with this id, or the trailer after the last.
    Row(i32),
    End,
}

impl Iterator for CopyStream {
    type Item = Bytes;

    /// The PostgreSQL manual describes the format on the page COPY, section Binary Format. All numbers are big-endian.
    fn next(&mut self) -> Option<Bytes> {
        const BUFFER: usize = 64 << 10;
        /// The bytes of the longest row: the number of columns, two lengths, the id, the name.
        const LONGEST_ROW: usize = 2 + 4 + 4 + 4 + 45;
        const COLUMNS: i16 = 2;

        let mut buffer = BytesMut::with_capacity(BUFFER);
        let mut product_id = match self.next {
            Next::Header => {
                buffer.put_slice(b"PGCOPY\n\xff\r\n\0");
                // The header has no flags and no extension.
                buffer.put_i32(0);
                buffer.put_i32(0);
                1
            }
            Next::Row(product_id) => product_id,
            Next::End => return None,
        };
        while buffer.len() + LONGEST_ROW <= BUFFER {
            if product_id > self.products.count {
                // A row with -1 columns is the trailer.
                buffer.put_i16(-1);
                self.next = Next::End;
                return Some(buffer.freeze());
            }
            buffer.put_i16(COLUMNS);
            buffer.put_i32(size_of::<i32>() as i32);
            buffer.put_i32(product_id);
            let length: usize = self.products.name(product_id).map(str::len).sum();
            buffer.put_i32(length as i32);
            self.products.name(product_id).for_each(|part| buffer.put_slice(part.as_bytes()));
            product_id += 1;
        }
        self.next = Next::Row(product_id);
        Some(buffer.freeze())
    }
}

#[rustfmt::skip]
const BRANDS: [&str; 24] = [
    "Alder & Co", "Åkerblom", "Bärenfels", "Bluewater", "Cobalt", "Délices", "Driftwood", "Fjällnäs", "Foxglove",
    "Granite", "Harbourly", "Ironbark", "Juniper", "Königstal", "Larkspur", "Meridian", "Niño Azul", "Oakmoor",
    "Château Lys", "Quillon", "Rosmarin", "Silverbirch", "Tamarind", "Żuraw",
];

#[rustfmt::skip]
const ADJECTIVES: [&str; 24] = [
    "amber", "breezy", "classic", "compact", "cosy", "durable", "elegant", "festive", "gentle", "handmade",
    "insulated", "jolly", "knitted", "light", "mellow", "organic", "padded", "quilted", "recycled", "scarlet",
    "thermal", "unisex", "rainproof", "woollen",
];

const NOUNS: [&str; 32] = [
    "anorak", "apron", "beanie", "belt", "blanket", "blouse", "boots", "cardigan", "coat", "dress", "duvet", "fleece",
    "gloves", "hoodie", "jacket", "jeans", "jumper", "mittens", "parka", "pyjamas", "rucksack", "sandals", "scarf",
    "shawl", "shirt", "shorts", "skirt", "sneakers", "socks", "sweater", "trousers", "vest",
];

#[rustfmt::skip]
const SIZES: [&str; 16] = [
    "size S", "size M", "size L", "size XL", "size XXL", "size 36", "size 38", "size 40", "size 42", "size 44",
    "one size", "junior 7–8", "junior 9–10", "pack of 2", "pack of 3", "wide fit",
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Decodes a COPY stream as PostgreSQL does.
    fn decode(mut stream: &[u8]) -> Vec<Product> {
        fn take<'a>(stream: &mut &'a [u8], length: usize) -> &'a [u8] {
            let (taken, rest) = stream.split_at(length);
            *stream = rest;
            taken
        }
        fn number(stream: &mut &[u8]) -> i32 {
            i32::from_be_bytes(take(stream, 4).try_into().unwrap())
        }

        assert_eq!(take(&mut stream, 11), b"PGCOPY\n\xff\r\n\0");
        assert_eq!((number(&mut stream), number(&mut stream)), (0, 0));
        let mut products = Vec::new();
        loop {
            match take(&mut stream, 2) {
                [0, 2] => (),
                [0xff, 0xff] => break,
                columns => panic!("a row with {columns:?} columns"),
            }
            assert_eq!(number(&mut stream), 4);
            let product_id = number(&mut stream);
            let length = number(&mut stream) as usize;
            let product_name = String::from_utf8(take(&mut stream, length).to_vec()).unwrap();
            products.push(Product { product_id, product_name });
        }
        assert!(stream.is_empty());
        products
    }

    #[test]
    fn the_copy_stream_decodes_to_the_rows() {
        for count in [0, 1, 1000, 100_000] {
            let products = Products::new(1, count).unwrap();
            let stream: Vec<u8> = products.copy_stream().flatten().collect();
            let decoded = decode(&stream);
            assert_eq!(decoded.len() as u64, count);
            assert!(decoded.into_iter().eq(products.rows()));
        }
    }

    #[test]
    fn buffers_are_filled_and_never_grow() {
        let buffers: Vec<Bytes> = Products::new(1, 10_000).unwrap().copy_stream().collect();
        let (_, full) = buffers.split_last().unwrap();
        assert!(full.iter().all(|buffer| (65_000..=65_536).contains(&buffer.len())));
    }

    #[test]
    fn the_trailer_may_need_a_buffer_of_its_own() {
        // Tests row counts around the number that fills the first buffer.
        let in_first_buffer = (1..).find(|&count| Products::new(1, count).unwrap().copy_stream().count() == 2).unwrap();
        for count in in_first_buffer - 1..=in_first_buffer + 1 {
            let stream: Vec<u8> = Products::new(1, count).unwrap().copy_stream().flatten().collect();
            assert_eq!(decode(&stream).len() as u64, count);
        }
    }

    #[test]
    fn names_have_several_words_and_20_to_45_bytes() {
        for brand in BRANDS {
            for adjective in ADJECTIVES {
                for noun in NOUNS {
                    for size in SIZES {
                        let bytes = brand.len() + adjective.len() + noun.len() + size.len() + 3;
                        assert!((20..=45).contains(&bytes), "{brand} {adjective} {noun} {size}: {bytes}");
                    }
                }
            }
        }
        assert!(Products::new(1, 1000).unwrap().rows().any(|product| !product.product_name.is_ascii()));
    }

    #[test]
    fn rows_depend_on_the_seed_and_not_on_the_count() {
        let rows = |seed, count| Products::new(seed, count).unwrap().rows();
        assert!(rows(1, 100).eq(rows(1, 1000).take(100)));
        assert!(rows(1, 100).ne(rows(2, 100)));
    }

    #[test]
    fn the_first_rows_are_the_same_on_every_platform() {
        let names: Vec<String> = Products::new(1, 3).unwrap().rows().map(|product| product.product_name).collect();
        assert_eq!(
            names,
            ["Bluewater amber sweater size 44", "Granite festive mittens one size", "Fjällnäs light shorts size 42"]
        );
    }

    #[test]
    fn more_rows_than_ids_are_an_error() {
        let error = Products::new(1, 1 << 31).unwrap_err();
        assert!(error.to_string().contains("2147483648 products"), "{error}");
    }
}
