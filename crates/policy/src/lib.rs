//! Who may be told, for what, until when: handling labels and the one rule of release.
