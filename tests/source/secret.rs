//! Values from the environment, and where they may not show.

use highwater::secret::Secrets;

pub(crate) fn secrets(values: &[(&str, &str)]) -> Secrets {
    let mut secrets = Secrets::default();
    for (name, value) in values {
        let expanded = secrets.expand(&format!("<${{{name}}}>"), &|_| Some((*value).to_owned()));
        assert_eq!(expanded.unwrap(), format!("<{value}>"));
    }
    secrets
}

#[test]
fn variables_are_replaced_and_one_that_is_unset_is_named() {
    let lookup = |name: &str| (name == "A").then(|| "${B}$".to_owned());
    let mut secrets = Secrets::default();
    assert_eq!(
        secrets.expand("x${A}${A}${}$", &lookup).unwrap(),
        "x${B}$${B}$${}$"
    );
    assert_eq!(
        secrets.expand("${A} ${NOT_SET}", &lookup).unwrap_err(),
        "NOT_SET"
    );
    assert_eq!(
        secrets.expand_or_keep("${NOT_SET}${A}${ x", &lookup),
        "${NOT_SET}${B}$${ x"
    );
    assert!(!secrets.is_empty() && Secrets::default().is_empty());
    assert_eq!(format!("{secrets:?}"), "{\"A\"}");
}

#[test]
fn a_value_is_redacted_however_it_is_spelled() {
    let secrets = secrets(&[
        ("P", "a b/c\"ü+%"),
        ("LOGIN", "user:pässword?>"),
        ("NONE", ""),
    ]);
    for text in [
        "a b/c\"ü+%",
        "a%20b%2Fc%22%C3%BC%2B%25",
        "a%20b%2fc%22%c3%bc%2b%25",
        "a+b%2Fc%22%C3%BC%2B%25",
        "a%20b/c%22%C3%BC+%25",
        r#"a b/c\"ü+%"#,
        r#"a b\/c\"\u00fc+%"#,
        r#"\u0061 b/c\u0022\u00FC+%"#,
    ] {
        assert_eq!(secrets.redact(&format!("x{text}y")), "x${P}y", "{text}");
    }
    for text in [
        "dXNlcjpww6Rzc3dvcmQ/Pg==",
        "dXNlcjpww6Rzc3dvcmQ_Pg",
        "dXNlcjpww6Rzc3dvcmQ%2FPg",
    ] {
        let redacted = secrets.redact(text);
        assert_eq!(redacted.trim_end_matches('='), "${LOGIN}", "{text}");
    }
    assert_eq!(
        secrets.redact("nothing%2 of \\u00 it%"),
        "nothing%2 of \\u00 it%"
    );
}

#[test]
fn a_value_is_redacted_where_a_text_was_encoded_more_than_once() {
    let secrets = secrets(&[("P", "ab/c\"d=é")]);
    for text in [
        r#"ab\\\/c\\\"d=\\u00e9"#,
        r#"ab\\/c\\\\\\\"d=é"#,
        "ab%252Fc%2522d%253D%25C3%25A9",
        "ab%25252Fc%252522d%25253D%2525c3%2525a9",
    ] {
        assert_eq!(secrets.redact(&format!("x{text}y")), "x${P}y", "{text}");
    }
}

#[test]
fn values_that_overlap_leave_no_piece_of_either() {
    let secrets = secrets(&[
        ("SHORT", "abcd"),
        ("LONG", "cdefgh"),
        ("LONGER", "cdefghij"),
    ]);
    assert_eq!(
        secrets.redact("-abcdefghij-abcd-cdefgh-"),
        "-${LONGER}-${SHORT}-${LONG}-"
    );
}

#[test]
fn a_short_value_is_redacted_only_as_a_word() {
    let secrets = secrets(&[("N", "a5"), ("E", "é")]);
    assert_eq!(
        secrets.redact("a5, 1a5, a5th, é, né, limit=a5"),
        "${N}, 1a5, a5th, ${E}, né, limit=${N}"
    );
}

#[test]
fn a_short_number_is_no_secret() {
    let secrets = secrets(&[("PAGE", "50"), ("PORT", "50123"), ("PIN", "123456")]);
    assert_eq!(
        secrets.redact("limit=50 at :50123 with 123456"),
        "limit=50 at :50123 with ${PIN}"
    );
}
