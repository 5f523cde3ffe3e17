use super::*;

/// A blob with these types, made by hand.
#[derive(Default)]
struct Blob {
    types: Vec<u32>,
    strings: Vec<u8>,
}

impl Blob {
    fn name(&mut self, name: &str) -> u32 {
        if self.strings.is_empty() {
            self.strings.push(0);
        }
        if name.is_empty() {
            return 0;
        }
        let at = self.strings.len() as u32;
        self.strings.extend(name.bytes().chain([0]));
        at
    }

    fn add(&mut self, name: &str, kind: u32, members: u32, of: u32) {
        let name = self.name(name);
        self.types.extend([name, kind << 24 | members, of]);
    }

    fn member(&mut self, name: &str, id: u32, offset: u32) {
        let name = self.name(name);
        self.types.extend([name, id, offset]);
    }

    fn bytes(&self) -> Vec<u8> {
        let (types, strings) = (self.types.len() as u32 * 4, self.strings.len() as u32);
        let head = [MAGIC | VERSION << 16, HEADER as u32, 0, types, types, strings];
        let words = head.iter().chain(&self.types).flat_map(|word| word.to_ne_bytes());
        words.chain(self.strings.iter().copied()).collect()
    }
}

const WIDTHS: u32 = 1 << 7;

/// As a compiler writes it:
/// `typedef struct { int counter; } count_t;`
/// `struct outer { int first; union { const count_t live; }; unsigned flag: 1; struct outer *next; };`
/// `enum which { NONE, SECOND = 2 };`, with a function and a typedef of the structure's name before it.
fn example() -> Vec<u8> {
    let mut blob = Blob::default();
    blob.add("int", kind::INT, 0, 4);
    blob.types.push(32);
    blob.add("outer", kind::TYPEDEF, 0, 1);
    blob.add("outer", kind::FUNC, 0, 0);
    blob.add("", kind::STRUCT, 1, 4);
    blob.member("counter", 1, 0);
    blob.add("count_t", kind::TYPEDEF, 0, 4);
    blob.add("", kind::CONST, 0, 5);
    blob.add("", kind::UNION, 1, 4);
    blob.member("live", 6, 0);
    blob.add("", kind::PTR, 0, 9);
    blob.add("outer", kind::STRUCT | WIDTHS, 4, 24);
    blob.member("first", 1, 0);
    blob.member("", 7, 32);
    blob.member("flag", 1, 0x0100_0041);
    blob.member("next", 8, 128);
    blob.add("which", kind::ENUM, 2, 4);
    let (none, second) = (blob.name("NONE"), blob.name("SECOND"));
    blob.types.extend([none, 0, second, 2]);
    blob.bytes()
}

fn place(types: &Description<'_>, path: &str) -> Option<(u32, u32)> {
    types.member("outer", path).map(|member| (member.bits, member.width))
}

#[test]
fn members_are_found_through_names_modifiers_and_nameless_unions() {
    let blob = example();
    let types = Description::new(&blob).expect("types");
    assert_eq!(place(&types, "first"), Some((0, 0)));
    assert_eq!(place(&types, "live.counter"), Some((32, 0)));
    assert_eq!(place(&types, "flag"), Some((65, 1)));
    assert_eq!(place(&types, "next"), Some((128, 0)));
    assert_eq!(place(&types, "next.first"), None, "that is another structure");
    assert_eq!(place(&types, "counter"), None);
    assert_eq!(types.enumerator("which", "SECOND"), Some(2));
    assert_eq!(types.enumerator("which", "THIRD"), None);
}

#[test]
fn what_is_kept_has_the_id_it_had() {
    let blob = example();
    let wanted = [(kind::FUNC, "outer"), (kind::TYPEDEF, "count_t"), (kind::FUNC, "count_t")];
    let wanted = wanted.map(|(kind, name)| (kind, name.to_owned()));
    let kept = Description::new(&blob).expect("types").only(&wanted);
    let kept = Description::new(&kept).expect("types");
    let named = |id| {
        let (begin, info) = kept.info(id).expect("a type");
        (parts(info).0, name(kept.types, kept.strings, begin).expect("a name"))
    };
    assert_eq!(named(3), (kind::FUNC, b"outer".as_slice()));
    assert_eq!(named(5), (kind::TYPEDEF, b"count_t".as_slice()));
    for id in [1, 2, 4, 6, 7, 8, 9, 10] {
        assert_eq!(named(id), (kind::FWD, b"".as_slice()));
    }
}

#[test]
fn what_is_cut_off_anywhere_is_refused() {
    let blob = example();
    for length in 0..blob.len() {
        assert!(Description::new(&blob[..length]).is_err(), "{length} of {} bytes", blob.len());
    }
}

/// Asks what can be asked: the answer may be anything, but there is one.
fn ask(blob: &[u8]) {
    if let Ok(types) = Description::new(blob) {
        for path in ["first", "live.counter", "flag", "next.first", "counter"] {
            let _ = types.member("outer", path);
        }
        let _ = types.enumerator("which", "SECOND");
    }
}

#[test]
fn no_byte_can_lead_astray() {
    let blob = example();
    for at in 0..blob.len() {
        for value in 0..=u8::MAX {
            let mut blob = blob.clone();
            blob[at] = value;
            ask(&blob);
        }
    }
}

#[test]
fn what_goes_in_circles_ends() {
    let mut blob = Blob::default();
    blob.add("endless", kind::TYPEDEF, 0, 1);
    blob.add("outer", kind::STRUCT, 3, 8);
    blob.member("", 2, 0);
    blob.member("", 2, 0);
    blob.member("first", 1, 0);
    let blob = blob.bytes();
    let types = Description::new(&blob).expect("types");
    assert_eq!(place(&types, "live"), None);
    assert_eq!(place(&types, "first.counter"), None);
}
