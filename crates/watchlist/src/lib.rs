//! What is said: subjects, names, identifiers, measures, and the change to one record, with one byte form.
