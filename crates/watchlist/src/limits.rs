//! The named limits of every field of a record, with the reason for each.
//!
//! Not for: limits of entries, frames and messages, which live in `ledger` and `wire`.
//! A whole section may hold [`SECTION_BYTES_MAX`] bytes, which bounds what all fields together may take.

/// Bytes of one encoded section: a 64 KiB opening less its salt (32) and its length (4).
pub const SECTION_BYTES_MAX: usize = 65_500;

/// Bytes of a single-line value. The longest name or address line of the public lists is under 600 bytes.
pub const TEXT_BYTES_MAX: usize = 2_000;

/// Bytes of running text (reasons, remarks, a verbatim source value). Half a section, so that one text never
/// fills it alone.
pub const PROSE_BYTES_MAX: usize = 32_000;

/// Bytes of a list id such as `us-ofac-sdn`.
pub const LIST_ID_BYTES_MAX: usize = 64;

/// Bytes of an authority's reference such as `QDi.001`.
pub const REFERENCE_BYTES_MAX: usize = 200;

/// Bytes of the name of a log: as much as an entry's commitment and a file name carry.
pub const ORIGIN_BYTES_MAX: usize = 127;

/// Names of one subject. The fullest subject of the public lists has under 150.
pub const NAMES_MAX: usize = 500;

/// Parts of one name.
pub const NAME_PARTS_MAX: usize = 32;

/// Dates about one subject (births, founding and so on).
pub const FACTS_MAX: usize = 100;

/// Places (birth, founding and so on) of one subject.
pub const PLACES_MAX: usize = 100;

/// Ties of one subject to countries.
pub const TIES_MAX: usize = 100;

/// Genders, titles, positions and sectors: each list of short words about one subject.
pub const WORDS_MAX: usize = 200;

/// Addresses of one subject.
pub const ADDRESSES_MAX: usize = 500;

/// Identifiers of one subject. One listed person carries over 100 wallet addresses.
pub const IDENTIFIERS_MAX: usize = 1_000;

/// Programmes that one subject is listed under.
pub const PROGRAMMES_MAX: usize = 50;

/// Measures ordered against one subject.
pub const MEASURES_MAX: usize = 100;

/// Legal acts that one listing rests on.
pub const LEGAL_MAX: usize = 50;

/// Criteria of one legal act by which it designates. The widest act of the public lists has under 20.
pub const CRITERIA_MAX: usize = 50;

/// Dates of update. The UN names each review of a listing.
pub const UPDATES_MAX: usize = 200;

/// Links of one subject to others.
pub const LINKS_MAX: usize = 500;

/// Paragraphs of reasons, public or closed.
pub const REASONS_MAX: usize = 100;

/// Sightings of one subject.
pub const SIGHTINGS_MAX: usize = 200;

/// Source files that one record was read from. OFAC's flat list has four.
pub const FILES_MAX: usize = 16;

/// Locators (row numbers, paths) in the source.
pub const LOCATORS_MAX: usize = 1_000;

/// Source fields that no other field takes.
pub const EXTRAS_MAX: usize = 500;

/// Values of one such source field.
pub const EXTRA_VALUES_MAX: usize = 500;

/// Former flags of a vessel.
pub const FLAGS_MAX: usize = 100;

/// Path names that an amendment lists.
pub const PATHS_MAX: usize = 600;

/// Handles that a merge or a split names.
pub const HANDLES_MAX: usize = 100;

/// Changes of one package: more than the most that a merge or a split touches, and few enough that a package always fits
/// one append and one batch, which are signed whole or not at all.
pub const PACKAGE_MEMBERS_MAX: u16 = 256;

/// Bytes of a code of goods as written. The longest of the lists, with spaces and brackets, has under 40.
pub const GOODS_CODE_BYTES_MAX: usize = 64;

/// Codes of one edition of a vocabulary. TARIC, the longest, has some 30,000 headings and codes.
pub const VOCABULARY_CODES_MAX: usize = 100_000;

/// Entries that one edition is parted into. TARIC with its titles takes about 80.
pub const VOCABULARY_PARTS_MAX: usize = 512;

/// Bytes of codes and titles in one of them: a section, less what else stands there.
pub const VOCABULARY_PART_BYTES_MAX: usize = SECTION_BYTES_MAX - 8_192;

/// Segments of a code of goods. The control lists have six levels below an entry at most.
pub const GOODS_DEPTH_MAX: usize = 10;
