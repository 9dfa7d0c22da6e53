//! Measures which part of a file is in memory, and evicts a file from memory.
//!
//! There are two measurements of the part in memory, because each has a drawback. [`resident`] is exact and changes nothing, which makes it
//! suitable before every sample. But the kernel answers truthfully only to users who may write to the file. [`probe`]
//! works on every readable file. But the kernel loads each page that `probe` finds missing. [`nodes`] shows on which NUMA
//! nodes the pages are.
#![allow(unsafe_code)] // `mincore` takes a pointer, and no safe crate offers it.

use memmap2::{Advice as MapAdvice, Mmap};
use rustix::fs::{Advice, fadvise};
use rustix::io::{Errno, ReadWriteFlags, preadv2};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, IoSliceMut};
use std::path::Path;

/// The number of places of a file that [`probe`] reads.
const PROBES: u64 = 256;

/// The part of a file that is in memory, from 0 to 1, counted page by page. For an empty file it is 1.
///
/// If the user neither owns the file nor may write to it, the kernel reports every page as in memory.
///
/// # Errors
/// If the file cannot be mapped, or if the kernel refuses.
pub fn resident(file: &File) -> io::Result<f64> {
    if file.metadata()?.len() == 0 {
        return Ok(1.0);
    }
    let map = map(file)?;
    let mut pages = vec![0u8; map.len().div_ceil(rustix::param::page_size())];
    // SAFETY: address and length come from `map`, which lives until the end of this function. `pages` has one byte for
    // each page of the map.
    let failed = unsafe { libc::mincore(map.as_ptr().cast_mut().cast(), map.len(), pages.as_mut_ptr().cast()) };
    if failed != 0 {
        return Err(io::Error::last_os_error());
    }
    // Only the lowest bit has a meaning.
    let in_memory = pages.iter().filter(|page| **page & 1 == 1).count();
    Ok(in_memory as f64 / pages.len() as f64)
}

/// Maps a file, to ask the kernel about its pages.
fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: nothing reads through this map; only its address is used. So a file that shrinks meanwhile does no harm.
    unsafe { Mmap::map(file) }
}

/// The share of the pages of the file at `path` on each NUMA node, from node 0 on. Estimated from 256 places, at most 16 MiB
/// in all, which are loaded if they are not in memory.
///
/// # Errors
/// If the file is empty or cannot be mapped, or if the kernel does not report nodes.
pub fn nodes(path: &Path) -> io::Result<Vec<f64>> {
    const PLACE: usize = 64 << 10;
    let map = map(&File::open(path)?)?;
    // The kernel counts only pages that this process has mapped.
    for start in (0..map.len()).step_by((map.len() / PROBES as usize).max(PLACE)) {
        let start = start / PLACE * PLACE;
        map.advise_range(MapAdvice::PopulateRead, start, PLACE.min(map.len() - start))?;
    }
    let address = format!("{:x} ", map.as_ptr() as usize);
    let maps = std::fs::read_to_string("/proc/self/numa_maps")?;
    let pages = maps.lines().find(|line| line.starts_with(&address)).map(pages_by_node).unwrap_or_default();
    let all: u64 = pages.values().sum();
    let Some(last) = pages.keys().last().filter(|_| all > 0) else {
        return Err(io::Error::other("the kernel reports no page of the file"));
    };
    Ok((0..=*last).map(|node| pages.get(&node).map_or(0.0, |pages| *pages as f64 / all as f64)).collect())
}

/// The mapped pages on each NUMA node, from a line of `/proc/self/numa_maps` such as `7f00 default file=/a N0=12 N1=4`.
fn pages_by_node(line: &str) -> BTreeMap<usize, u64> {
    let node_and_pages = |word: &str| {
        let (node, pages) = word.strip_prefix('N')?.split_once('=')?;
        Some((node.parse().ok()?, pages.parse().ok()?))
    };
    line.split_whitespace().filter_map(node_and_pages).collect()
}

/// The part of the file at `path` that is in memory, from 0 to 1, estimated from 256 places.
///
/// Each place is read with `RWF_NOWAIT`: the read fails if it would need the disk. `None` if the file is empty, cannot
/// be read, or lies on a file system without `RWF_NOWAIT`.
pub fn probe(path: &Path) -> Option<f64> {
    let file = File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    let probes = PROBES.min(length.div_ceil(rustix::param::page_size() as u64));
    if probes == 0 {
        return None;
    }
    // A failed read makes the kernel load the page, and perhaps pages after it. Reading from the end to the beginning
    // avoids counting pages loaded ahead. Random places avoid counting pages that an earlier call loaded.
    let _ = fadvise(&file, 0, None, Advice::Random);
    let mut in_memory = 0;
    for probe in (0..probes).rev() {
        let start = |probe: u64| (u128::from(length) * u128::from(probe) / u128::from(probes)) as u64;
        let offset = fastrand::u64(start(probe)..start(probe + 1));
        match preadv2(&file, &mut [IoSliceMut::new(&mut [0])], offset, ReadWriteFlags::NOWAIT) {
            Ok(_) => in_memory += 1,
            Err(Errno::AGAIN) => {}
            Err(_) => return None,
        }
    }
    Some(f64::from(in_memory) / probes as f64)
}

/// Asks the kernel to evict a file's pages. [`resident`] shows whether the kernel did.
///
/// # Errors
/// If modified pages cannot be written to the disk. The kernel evicts only pages that are on the disk.
pub fn forget(file: &File) -> io::Result<()> {
    file.sync_data()?;
    fadvise(file, 0, None, Advice::DontNeed).map_err(io::Error::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn writing_and_reading_load_a_file_into_memory_and_forget_evicts_it() {
        // Not in the folder for temporary files, which may be on a memory file system.
        let folder = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let path = folder.path().join("file");
        let mut file = File::options().create_new(true).read(true).write(true).open(&path).unwrap();
        file.write_all(&vec![b'a'; 4_000_000]).unwrap();
        assert!(resident(&file).unwrap() > 0.99);
        forget(&file).unwrap();
        assert_eq!(resident(&file).unwrap(), 0.0);
        assert!(probe(&path).is_none_or(|part| part < 0.5));
        std::fs::read(&path).unwrap();
        assert!(resident(&file).unwrap() > 0.99);
        assert!(probe(&path).is_none_or(|part| part > 0.99));
    }

    #[test]
    fn the_pages_of_a_file_are_on_the_nodes_of_this_machine() {
        let line = "7f2a00000000 default file=/N3=7\\040N4=8 mapped=16 N0=12 N1=4 kernelpagesize_kB=4";
        assert_eq!(pages_by_node(line), BTreeMap::from([(0, 12), (1, 4)]));
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&vec![b'a'; 5_000_001]).unwrap();
        let online = std::fs::read_to_string("/sys/devices/system/node/online").map(|text| crate::sysfs::list(&text));
        // A kernel without NUMA, or before 5.14, does not report nodes.
        if let (Ok(nodes), Ok(online)) = (nodes(file.path()), online) {
            assert!((0..nodes.len()).all(|node| nodes[node] == 0.0 || online.contains(&node)), "{nodes:?}");
            assert!((nodes.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{nodes:?}");
        }
    }

    #[test]
    fn an_empty_file_is_in_memory_and_cannot_be_probed() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(resident(file.as_file()).unwrap(), 1.0);
        assert_eq!(probe(file.path()), None);
        assert_eq!(probe(Path::new("/absent")), None);
    }
}
