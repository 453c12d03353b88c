//! Encoded messages as trees of fields, so that they can be changed within right lengths.
//!
//! Not the decoder of the crate: this one writes what no encoder would.

use comity_wire::DESCRIPTORS;
use prost::encoding::{WireType, decode_key, decode_varint};
use protox::prost_reflect::{DescriptorPool, Kind, MessageDescriptor};

/// One field as it stands in a message.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) number: u32,
    pub(crate) content: Content,
    /// Bytes by which its key and its number or length are longer than they need be.
    pub(crate) widened: usize,
}

/// What a field holds; the messages here use no other wire types.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Content {
    Number(u64),
    Bytes(Vec<u8>),
    Message(Vec<Field>),
}

/// The message of which a followed log consists.
pub(crate) fn follow_response() -> MessageDescriptor {
    let pool = DescriptorPool::decode(DESCRIPTORS).unwrap();
    pool.get_message_by_name("comity.v1.FollowResponse").unwrap()
}

/// Splits the first field off: number, content, and for a varint its value.
fn split<'a>(bytes: &mut &'a [u8]) -> (u32, Result<u64, &'a [u8]>) {
    let (number, wire_type) = decode_key(bytes).unwrap();
    let value = decode_varint(bytes).unwrap();
    if wire_type == WireType::Varint {
        return (number, Ok(value));
    }
    assert_eq!(wire_type, WireType::LengthDelimited);
    let (content, rest) = bytes.split_at(usize::try_from(value).unwrap());
    *bytes = rest;
    (number, Err(content))
}

/// For each byte of a good message the path of the field that it belongs to, with key and length.
pub(crate) fn names(message: &MessageDescriptor, bytes: &[u8], path: &str) -> Vec<String> {
    let mut names = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while !rest.is_empty() {
        let before = rest.len();
        let (number, value) = split(&mut rest);
        let field = message.get_field(number).unwrap();
        let path = format!("{path}{}", field.name());
        let inner = match (field.kind(), value) {
            (Kind::Message(inner), Err(content)) => self::names(&inner, content, &format!("{path}.")),
            _ => Vec::new(),
        };
        names.extend(std::iter::repeat_n(path, before - rest.len() - inner.len()));
        names.extend(inner);
    }
    names
}

/// The tree of a good message.
pub(crate) fn parse(message: &MessageDescriptor, bytes: &[u8]) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (number, value) = split(&mut rest);
        let content = match (message.get_field(number).unwrap().kind(), value) {
            (_, Ok(value)) => Content::Number(value),
            (Kind::Message(inner), Err(content)) => Content::Message(parse(&inner, content)),
            (_, Err(content)) => Content::Bytes(content.to_vec()),
        };
        fields.push(Field { number, content, widened: 0 });
    }
    fields
}

/// The bytes of a tree, with right lengths.
pub(crate) fn encode(fields: &[Field]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for field in fields {
        let nested = match &field.content {
            Content::Number(value) => Err(*value),
            Content::Bytes(content) => Ok(content.clone()),
            Content::Message(fields) => Ok(encode(fields)),
        };
        let wire_type = u64::from(nested.is_ok()) * 2;
        varint(u64::from(field.number) << 3 | wire_type, field.widened, &mut bytes);
        match nested {
            Err(value) => varint(value, field.widened, &mut bytes),
            Ok(content) => {
                varint(u64::try_from(content.len()).unwrap(), field.widened, &mut bytes);
                bytes.extend(content);
            }
        }
    }
    bytes
}

/// A varint that is longer than it need be.
fn varint(mut value: u64, widened: usize, bytes: &mut Vec<u8>) {
    let more = |low: u64| u8::try_from(low & 0x7f).unwrap() | 0x80;
    while value >= 0x80 {
        bytes.push(more(value));
        value >>= 7;
    }
    if widened == 0 {
        bytes.push(u8::try_from(value).unwrap());
        return;
    }
    bytes.push(more(value));
    bytes.extend(std::iter::repeat_n(0x80, widened - 1));
    bytes.push(0);
}

/// The places of all fields of a tree: at each depth the position.
pub(crate) fn places(fields: &[Field]) -> Vec<Vec<usize>> {
    let mut places = Vec::new();
    for (position, field) in fields.iter().enumerate() {
        places.push(vec![position]);
        if let Content::Message(inner) = &field.content {
            places.extend(self::places(inner).into_iter().map(|place| [vec![position], place].concat()));
        }
    }
    places
}

/// The list of fields in which a place is, and the position there.
pub(crate) fn at<'a>(fields: &'a mut Vec<Field>, place: &[usize]) -> (&'a mut Vec<Field>, usize) {
    match place {
        [] => (fields, 0),
        [position] => (fields, *position),
        [position, rest @ ..] => match &mut fields[*position].content {
            Content::Message(inner) => at(inner, rest),
            Content::Number(_) | Content::Bytes(_) => unreachable!("places lead through messages"),
        },
    }
}

/// The numbers of the fields on the way to a place: what kind of field it is.
pub(crate) fn numbers(fields: &[Field], place: &[usize]) -> Vec<u32> {
    let [position, rest @ ..] = place else { return Vec::new() };
    let field = &fields[*position];
    let inner = match &field.content {
        Content::Message(inner) => numbers(inner, rest),
        Content::Number(_) | Content::Bytes(_) => Vec::new(),
    };
    [vec![field.number], inner].concat()
}
