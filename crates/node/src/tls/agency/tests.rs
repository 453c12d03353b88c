//! What is kept of an agency on disk: whatever becomes of the files, no revocation is undone in silence.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use tempfile::TempDir;

use super::*;
use crate::tls::{Authority, CertificateFacts, CrlNumber, Revoked, SignedCrl, TrustTrouble, Validity};

const NOW: u64 = 1_800_000_000;

fn at(secs: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(secs))
}

/// An authority, one leaf that is good, one that is revoked in every list here.
struct Issuer {
    authority: Authority,
    good: CertificateDer<'static>,
    stolen: CertificateDer<'static>,
}

impl Issuer {
    fn new() -> Self {
        let validity = Validity::new(at(NOW - 1_000), at(NOW + 1_000)).unwrap();
        let authority = Authority::generate(&"b.example".parse().unwrap(), validity).unwrap();
        let leaf = || {
            let made = authority.issue_node(validity).unwrap();
            CertificateDer::from_pem_slice(made.certificate_pem().as_bytes()).unwrap()
        };
        Self { good: leaf(), stolen: leaf(), authority }
    }

    fn certificate(&self) -> Arc<PeerAuthority> {
        let pem = self.authority.credential().certificate_pem().to_owned();
        Arc::new(PeerAuthority::from_pem(&pem).unwrap())
    }

    fn crl(&self, number: u8) -> SignedCrl {
        let serial = CertificateFacts::read(&self.stolen).unwrap().serial;
        let validity = Validity::new(at(NOW - 60), at(NOW + 60)).unwrap();
        let revoked = [Revoked { serial, at_secs: 1_799_999_000 }];
        let number = CrlNumber::from_be_bytes(&[number]).unwrap();
        self.authority.issue_crl(&revoked, number, validity).unwrap()
    }
}

/// The folder of B at a node.
struct Place {
    folder: TempDir,
    b: Issuer,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), b: Issuer::new() }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// What a node trusts that starts now.
    fn load(&self) -> AgencyTrust {
        self.try_load().unwrap()
    }

    fn try_load(&self) -> Result<AgencyTrust, TrustError> {
        AgencyTrust::kept_in(TrustFolder::of_peer(self.path()), vec![self.b.certificate()], None)
    }

    fn file(&self, kind: &str) -> PathBuf {
        self.path().join(format!("crl-{}.{kind}", self.b.certificate().id()))
    }

    /// A folder in which list 2 is in force, and the trust in it.
    fn with_list() -> (Self, AgencyTrust) {
        let place = Self::new();
        let (trust, _) = put(&place.load(), &place.b.crl(2)).unwrap();
        (place, trust)
    }

    fn check(&self, trust: &AgencyTrust, good: bool, stolen: bool) {
        let passes = |leaf| trust.check(leaf, &[], at(NOW), Side::Client).is_ok();
        assert_eq!((passes(&self.b.good), passes(&self.b.stolen)), (good, stolen));
    }
}

fn put(trust: &AgencyTrust, crl: &SignedCrl) -> Result<(AgencyTrust, TakenCrl), CrlError> {
    trust.clone().with_crl(Crl::from_der(&crl.der)?, Some(at(NOW)))
}

#[test]
fn a_list_is_in_force_after_every_start() {
    let place = Place::new();
    place.check(&place.load(), true, true);
    let (trust, _) = put(&place.load(), &place.b.crl(2)).unwrap();
    place.check(&trust, true, false);
    place.check(&place.load(), true, false);
}

#[test]
fn a_list_that_is_gone_damaged_or_put_back_closes_the_door_until_it_comes_again() {
    let ways: [fn(&Place); 6] = [
        |place| fs::remove_file(place.file("der")).unwrap(),
        |place| fs::write(place.file("der"), "no list").unwrap(),
        |place| fs::write(place.file("der"), place.b.crl(1).der).unwrap(),
        // The same number, signed anew: another signature, and another list.
        |place| fs::write(place.file("der"), place.b.crl(2).der).unwrap(),
        |place| fs::write(place.file("der"), Issuer::new().crl(3).der).unwrap(),
        |place| {
            fs::remove_file(place.file("der")).unwrap();
            fs::create_dir(place.file("der")).unwrap();
        },
    ];
    for way in ways {
        let (place, _) = Place::with_list();
        way(&place);
        let trust = place.load();
        place.check(&trust, false, false);
        let older = put(&trust, &place.b.crl(1)).unwrap_err();
        assert!(matches!(older, CrlError::Older { .. }), "{older:?}");
        if !place.file("der").is_dir() {
            let (trust, _) = put(&trust, &place.b.crl(3)).unwrap();
            place.check(&trust, true, false);
            place.check(&place.load(), true, false);
        }
    }
}

#[test]
fn a_floor_that_cannot_be_read_permits_no_list_to_be_called_newer() {
    let (place, _) = Place::with_list();
    fs::write(place.file("floor"), [7; 30]).unwrap();
    let trust = place.load();
    place.check(&trust, false, false);
    assert!(matches!(put(&trust, &place.b.crl(9)).unwrap_err(), CrlError::NoFloor));
}

#[test]
fn a_crash_between_a_list_and_its_floor_loses_neither() {
    let (place, _) = Place::with_list();
    fs::remove_file(place.file("floor")).unwrap();
    place.check(&place.load(), true, false);
    fs::remove_file(place.file("der")).unwrap();
    place.check(&place.load(), false, false);
}

#[test]
fn a_list_that_goes_missing_under_a_running_node_is_put_back() {
    let (place, running) = Place::with_list();
    for kind in ["der", "floor"] {
        fs::remove_file(place.file(kind)).unwrap();
    }
    place.check(&running.read_again().unwrap(), true, false);
    place.check(&place.load(), true, false);
    // Nor is an older one taken that somebody copied there.
    fs::write(place.file("der"), place.b.crl(1).der).unwrap();
    fs::remove_file(place.file("floor")).unwrap();
    let running = running.read_again().unwrap();
    assert_eq!(running.crl_of(&place.b.certificate().id()).unwrap().unwrap().number().to_string(), "2");
    place.check(&place.load(), true, false);
}

#[test]
fn a_list_that_a_person_puts_there_is_taken_and_kept() {
    for name in ["crl.der", "crl.pem"] {
        let place = Place::new();
        let (drop, list) = (place.path().join(name), place.b.crl(2));
        let bytes = if name == "crl.der" { list.der } else { list.pem.into_bytes() };
        fs::write(&drop, bytes).unwrap();
        let trust = place.load();
        place.check(&trust, true, false);
        // A newer one that comes by another way stays in force beside it.
        let (trust, _) = put(&trust, &place.b.crl(3)).unwrap();
        let trust = trust.read_again().unwrap();
        assert_eq!(trust.crl_of(&place.b.certificate().id()).unwrap().unwrap().number().to_string(), "3");
        assert!(trust.bad_drop.is_none());
        fs::remove_file(&drop).unwrap();
        place.check(&place.load(), true, false);
    }
}

#[test]
fn a_file_that_is_no_list_of_the_agency_closes_the_door_until_it_is_good_or_gone() {
    let place = Place::new();
    let drop = place.path().join("crl.pem");
    let both = place.b.crl(1).pem + &Issuer::new().crl(1).pem;
    let stranger = Issuer::new().crl(1).pem;
    for bad in ["", "no list", "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n", &stranger, &both] {
        fs::write(&drop, bad).unwrap();
        let trust = place.load();
        place.check(&trust, false, false);
        assert!(trust.bad_drop.is_some());
    }
    fs::write(&drop, place.b.crl(2).pem).unwrap();
    place.check(&place.load(), true, false);
    // Another list with the number of the one in force: nobody can tell which is meant.
    fs::write(&drop, place.b.crl(2).pem).unwrap();
    place.check(&place.load(), false, false);
    fs::remove_file(&drop).unwrap();
    place.check(&place.load(), true, false);
}

#[test]
fn one_file_may_hold_the_lists_of_all_authorities() {
    let (place, next) = (Place::new(), Issuer::new());
    let trust = place.load().with_authority(Arc::into_inner(next.certificate()).unwrap()).unwrap();
    fs::write(place.path().join("crl.pem"), place.b.crl(1).pem + &next.crl(1).pem).unwrap();
    for trust in [trust.read_again().unwrap(), place.load()] {
        place.check(&trust, true, false);
        assert!(trust.check(&next.good, &[], at(NOW), Side::Client).is_ok());
        assert_eq!(trust.check(&next.stolen, &[], at(NOW), Side::Client), Err(Refusal::Revoked));
    }
}

#[test]
fn what_was_announced_and_retired_is_so_after_every_start() {
    let (place, next, later) = (Place::new(), Issuer::new(), Issuer::new());
    let sent = [CertificateDer::from(later.certificate().der().to_vec())];
    let trust = place.load().with_authority(Arc::into_inner(next.certificate()).unwrap()).unwrap();
    trust.with_announced(later.certificate().id()).unwrap();
    let trust = place.load();
    place.check(&trust, true, true);
    assert!(trust.check(&next.good, &[], at(NOW), Side::Client).is_ok());
    assert_eq!(trust.check(&later.good, &[], at(NOW), Side::Client), Err(Refusal::WrongIssuer));
    assert!(trust.check(&later.good, &sent, at(NOW), Side::Client).is_ok());
    // The authority of the card, too.
    trust.without_authority(&place.b.certificate().id()).unwrap();
    let trust = place.load();
    place.check(&trust, false, false);
    assert!(trust.check(&next.good, &[], at(NOW), Side::Client).is_ok());
    trust.without_authority(&later.certificate().id()).unwrap();
    assert_eq!(place.load().check(&later.good, &sent, at(NOW), Side::Client), Err(Refusal::WrongIssuer));
    let refused = place.load().with_announced(later.certificate().id()).unwrap_err();
    assert!(matches!(refused, TrustError::Retired { .. }), "{refused:?}");
}

#[test]
fn the_list_of_an_announced_authority_counts_from_its_first_leaf_on() {
    let (place, next) = (Place::new(), Issuer::new());
    let trust = place.load().with_authority(Arc::into_inner(next.certificate()).unwrap()).unwrap();
    put(&trust, &next.crl(1)).unwrap();
    fs::remove_file(place.path().join(format!("ca-{}.der", next.certificate().id()))).unwrap();
    let sent = [CertificateDer::from(next.certificate().der().to_vec())];
    let trust = place.load();
    assert!(trust.member(&next.certificate().id()).is_none());
    assert_eq!(trust.check(&next.stolen, &sent, at(NOW), Side::Client), Err(Refusal::Revoked));
    assert!(trust.check(&next.good, &sent, at(NOW), Side::Client).is_ok());
}

#[test]
fn what_cannot_be_read_of_the_authorities_is_an_error_and_nobody_is_forgotten() {
    let place = Place::new();
    place.load().with_announced(Issuer::new().certificate().id()).unwrap();
    for bad in ["retired", "announced 00", "else 00", "announced\u{0}x y\n"] {
        fs::write(place.path().join("authorities"), bad).unwrap();
        assert!(matches!(place.try_load().unwrap_err(), TrustError::Folder { .. }), "{bad:?}");
    }
}

#[test]
fn whoever_only_looks_writes_nothing() {
    let place = Place::new();
    fs::write(place.path().join("crl.der"), place.b.crl(2).der).unwrap();
    let folder = TrustFolder::of_peer(place.path()).only_read();
    let trust = AgencyTrust::kept_in(folder, vec![place.b.certificate()], None).unwrap();
    place.check(&trust, true, false);
    trust.with_announced(Issuer::new().certificate().id()).unwrap();
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
}

#[test]
fn what_keeps_an_agency_out_is_told() {
    let (place, _) = Place::with_list();
    let troubles = |trust: AgencyTrust, secs| {
        let register = crate::tls::PeerTrust::new();
        register.insert("b.example".parse().unwrap(), trust);
        register.troubles(at(secs)).into_iter().map(|(_, trouble)| trouble).collect::<Vec<_>>()
    };
    assert!(troubles(place.load(), NOW + 59).is_empty());
    assert!(matches!(troubles(place.load(), NOW + 60)[..], [TrustTrouble::Expired { .. }]));
    fs::remove_file(place.file("der")).unwrap();
    fs::write(place.path().join("crl.pem"), "no list").unwrap();
    let told = troubles(place.load(), NOW);
    assert!(matches!(told[..], [TrustTrouble::BadDrop { .. }, TrustTrouble::Lost { .. }]), "{told:?}");
    assert!(told[0].to_string().contains("crl.pem"), "{}", told[0]);
}
