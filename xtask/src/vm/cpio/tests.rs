use std::path::Path;

use super::Tree;

/// Name, mode, device minor and data of each entry, read as the kernel does.
fn entries(archive: &[u8]) -> Vec<(String, u32, u32, Vec<u8>)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < archive.len() {
        let header = &archive[at..at + 110];
        assert_eq!(&header[..6], b"070701");
        let field = |index: usize| {
            let text = str::from_utf8(&header[6 + index * 8..][..8]).unwrap();
            u32::from_str_radix(text, 16).unwrap()
        };
        let (size, name_size) = (field(6) as usize, field(11) as usize);
        let name = &archive[at + 110..][..name_size];
        assert_eq!(name.last(), Some(&0));
        let data = (at + 110 + name_size).next_multiple_of(4);
        let name = String::from_utf8(name[..name_size - 1].to_vec()).unwrap();
        found.push((name, field(1), field(10), archive[data..data + size].to_vec()));
        at = (data + size).next_multiple_of(4);
    }
    found
}

#[test]
fn the_kernel_finds_folders_first_and_everything_whole() {
    let mut tree = Tree::default();
    tree.file(Path::new("/a/b/odd"), 0o755, b"12345".to_vec());
    tree.link(Path::new("/a-link"), "a/b");
    tree.directory(Path::new("/a/b"), 0o1777);
    tree.device(Path::new("/dev/console"), 5, 1);
    assert_eq!(
        entries(&tree.archive()),
        [
            ("a".to_owned(), 0o040_755, 0, vec![]),
            ("a/b".to_owned(), 0o041_777, 0, vec![]),
            ("a/b/odd".to_owned(), 0o100_755, 0, b"12345".to_vec()),
            ("a-link".to_owned(), 0o120_777, 0, b"a/b".to_vec()),
            ("dev".to_owned(), 0o040_755, 0, vec![]),
            ("dev/console".to_owned(), 0o020_600, 1, vec![]),
            ("TRAILER!!!".to_owned(), 0, 0, vec![]),
        ]
    );
}

#[test]
fn a_header_is_what_the_format_says() {
    let header = "070701000000010000A1FF000000000000000000000001000000000000000200000000\
                  000000000000000000000000000000030000000000";
    let mut tree = Tree::default();
    tree.link(Path::new("ab"), "cd");
    let archive = tree.archive();
    assert_eq!(str::from_utf8(&archive[..110]).unwrap(), &header[..110]);
    assert_eq!(&archive[110..120], b"ab\0\0\0\0cd\0\0");
}

#[test]
fn a_folder_that_was_named_keeps_its_mode() {
    let mut tree = Tree::default();
    tree.directory(Path::new("tmp"), 0o1777);
    tree.file(Path::new("tmp/file"), 0o644, Vec::new());
    assert_eq!(entries(&tree.archive())[0].1, 0o041_777);
}
