//! How history is proved: C2SP signed notes, checkpoints, tiles, cosignatures, and RFC 6962 hashing and proofs.
