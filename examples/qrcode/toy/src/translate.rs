//! Translates a program to C; never runs a compiler.

use std::fmt::Write as _;

use crate::program::{Call, Expression, Statement};

/// The C of a program that finds its modules in `headers`.
pub(crate) fn to_c(program: &[Statement], headers: &[String]) -> String {
    let mut text = String::new();
    for header in headers {
        let _ = writeln!(text, "#include \"{header}\"");
    }
    text.push_str("\nint main(void) {\n");
    for statement in program {
        text.push_str("    ");
        if let Some(name) = &statement.name {
            let _ = write!(text, "__auto_type {} = ", variable(name));
        }
        let _ = writeln!(text, "{};", call(&statement.call));
    }
    text.push_str("}\n");
    text
}

fn call(call: &Call) -> String {
    let arguments: Vec<String> = call.arguments.iter().map(expression).collect();
    format!("{}({})", call.symbol(), arguments.join(", "))
}

fn expression(expression: &Expression) -> String {
    match expression {
        Expression::Text(text) => format!("toy_text_of({})", literal(text)),
        Expression::Number(number) => number.to_string(),
        Expression::Name(name) => variable(name),
        Expression::Call(inner) => call(inner),
    }
}

/// A name that is none of C's.
fn variable(name: &str) -> String {
    format!("{name}_")
}

/// A string literal; what is not a letter, a digit or a space is an octal escape.
fn literal(text: &str) -> String {
    let mut literal = String::from("\"");
    for byte in text.bytes() {
        if byte == b' ' || byte.is_ascii_alphanumeric() {
            literal.push(char::from(byte));
        } else {
            let _ = write!(literal, "\\{byte:03o}");
        }
    }
    literal + "\""
}

#[cfg(test)]
mod tests {
    use crate::program::read;

    #[test]
    fn names_and_texts() {
        let program = read("if = a.b(\"x?\\n\", -1)\na.c(if, a.d())\n");
        let text = super::to_c(&program.unwrap_or_default(), &["a b.h".to_owned()]);
        let body =
            "    __auto_type if_ = a_b(toy_text_of(\"x\\077\\012\"), -1);\n    a_c(if_, a_d());\n";
        assert_eq!(text, format!("#include \"a b.h\"\n\nint main(void) {{\n{body}}}\n"));
    }
}
