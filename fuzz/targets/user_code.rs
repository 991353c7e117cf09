//! Reading the code a person typed: whatever they typed, what is read has the form of a code, is made
//! of the letters they typed in their order, and is read again from what is shown.

use doorward::protocol::device::UserCode;

pub fn check(data: &[u8]) {
    if let Some(code) = UserCode::from_random(data) {
        assert_eq!(UserCode::parse(&code.to_string()), Some(code));
    }
    let typed = String::from_utf8_lossy(data);
    let Some(code) = UserCode::parse(&typed) else { return };
    let text = code.as_str();
    assert_eq!(text.len(), 8, "{text}");
    assert!(text.bytes().all(|byte| byte.is_ascii_uppercase() && !b"AEIOUY".contains(&byte)));
    let letters: String =
        typed.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_uppercase()).collect();
    assert_eq!(text, letters, "nothing was added, left out or moved");
    assert_eq!(UserCode::parse(&code.to_string()), Some(code));
}
