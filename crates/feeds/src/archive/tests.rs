//! Archives that are refused, and what is read of one that is not.

use std::io::Write as _;

use comity_watchlist::FileHash;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::*;

fn archive(make: impl FnOnce(&mut ZipWriter<Cursor<Vec<u8>>>)) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    make(&mut writer);
    writer.finish().unwrap().into_inner()
}

fn options() -> SimpleFileOptions {
    SimpleFileOptions::default().compression_method(CompressionMethod::Deflated)
}

fn one(name: &str, bytes: &[u8]) -> Vec<u8> {
    archive(|writer| {
        writer.start_file(name, options()).unwrap();
        writer.write_all(bytes).unwrap();
    })
}

#[test]
fn one_file_is_unpacked_and_its_head_is_read_alone() {
    let packed = one("LIST.XML", b"<list>Strelsau</list>");
    assert!(is_archive(&packed));
    let file = InputFile::of_bytes("LIST.ZIP", FileHash::new([1; 32]), &packed);
    assert_eq!(unpack(&file).unwrap(), b"<list>Strelsau</list>");
    assert_eq!(head(&file, 6).unwrap().unwrap(), b"<list>");
}

#[test]
fn a_bomb_stops_at_the_limit_whatever_its_directory_says() {
    let mut packed = one("LIST.XML", &vec![b'x'; 1 << 20]);
    assert!(packed.len() < 1 << 12);
    assert_eq!(read(&packed, 1_000), Err(ArchiveFault::TooLarge { max: 1_000 }));
    // The stated length of 1 MiB, in both places, made 16 bytes.
    let stated = (1_u32 << 20).to_le_bytes();
    let places: Vec<usize> =
        packed.windows(4).enumerate().filter(|(_, at)| *at == stated).map(|(at, _)| at).collect();
    assert!(!places.is_empty());
    for at in places {
        packed[at..at + 4].copy_from_slice(&16_u32.to_le_bytes());
    }
    assert!(read(&packed, 1_000).is_err());
}

#[test]
fn links_folders_and_names_that_lead_elsewhere_are_refused() {
    for name in ["../LIST.XML", "/etc/passwd", "a/LIST.XML", "a\\LIST.XML", "c:LIST.XML", ".."] {
        assert_eq!(read(&one(name, b"<a/>"), 100), Err(ArchiveFault::NoPlainFile), "{name}");
    }
    let link = archive(|writer| writer.add_symlink("LIST.XML", "/etc/passwd", options()).unwrap());
    assert_eq!(read(&link, 100), Err(ArchiveFault::NoPlainFile));
    let folder = archive(|writer| writer.add_directory("list", options()).unwrap());
    assert_eq!(read(&folder, 100), Err(ArchiveFault::NoPlainFile));
}

#[test]
fn none_or_several_files_are_refused() {
    let files = |count: usize| {
        archive(|writer| (0..count).for_each(|at| writer.start_file(format!("{at}"), options()).unwrap()))
    };
    for count in [0, 2, 65, 10_000] {
        assert_eq!(read(&files(count), 100), Err(ArchiveFault::Files { count }), "{count}");
    }
}

#[test]
fn a_damaged_archive_is_refused_and_never_half_read() {
    let whole = one("LIST.XML", b"<list>Strelsau, Ruritania</list>");
    for len in 0..whole.len() {
        assert!(read(&whole[..len], 1_000).is_err(), "{len}");
    }
    let packed = whole.windows(4).rposition(|at| at == DIRECTORY_ENTRY).unwrap() - 1;
    let mut turned = whole;
    turned[packed] ^= 0xff;
    assert!(read(&turned, 1_000).is_err());
}
