//! Runs a program: its calls are calls of a bundle's exports in wasmtime.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use wasmtime::{Caller, Engine, Extern, Instance, Linker, Memory, Module, Store, Val};

use crate::program::{Call, Expression, Statement};

type Outcome<T> = Result<T, String>;

/// Compiles a module ahead of time.
pub(crate) fn precompile(module: &[u8]) -> Outcome<Vec<u8>> {
    Engine::default().precompile_module(module).map_err(told)
}

/// Runs a program with the modules of a bundle.
pub(crate) fn run(program: &[Statement], bundle: &Path) -> Outcome<()> {
    let engine = Engine::default();
    let module = Module::from_file(&engine, bundle).map_err(told)?;
    let mut store = Store::new(&engine, ());
    let instance = linker(&engine)?.instantiate(&mut store, &module).map_err(told)?;
    let memory = instance.get_memory(&mut store, "memory").ok_or("the bundle has no memory")?;
    let mut interpreter = Interpreter { store, instance, memory, values: BTreeMap::new() };
    // What a reactor has instead of `main`; it may be called only once.
    interpreter.call("_initialize", &[])?;
    for statement in program {
        let said = interpreter.step(statement);
        said.map_err(|error| format!("line {}: {error}", statement.line))?;
    }
    Ok(())
}

/// What the library of the language takes from whoever runs it.
fn linker(engine: &Engine) -> Outcome<Linker<()>> {
    let mut linker = Linker::new(engine);
    let write = |mut caller: Caller<'_, ()>, address: u32, length: u32| {
        let text = bytes(&mut caller, address, length)?;
        std::io::stdout().write_all(&text).map_err(wasmtime::Error::from)
    };
    linker.func_wrap("toy", "write", write).map_err(told)?;
    let fail = |mut caller: Caller<'_, ()>, address: u32, length: u32| -> wasmtime::Result<()> {
        let text = bytes(&mut caller, address, length)?;
        Err(wasmtime::Error::msg(String::from_utf8_lossy(&text).into_owned()))
    };
    linker.func_wrap("toy", "fail", fail).map_err(told)?;
    Ok(linker)
}

/// Bytes of the memory of a module that calls us.
fn bytes(caller: &mut Caller<'_, ()>, address: u32, length: u32) -> wasmtime::Result<Vec<u8>> {
    let memory = caller.get_export("memory").and_then(Extern::into_memory);
    let memory = memory.ok_or_else(|| wasmtime::Error::msg("the bundle has no memory"))?;
    let from = address as usize;
    let range = memory.data(&caller).get(from..from.saturating_add(length as usize));
    range.map(<[u8]>::to_vec).ok_or_else(|| wasmtime::Error::msg("a text beyond the memory"))
}

/// The message without the calls that led there, which are the bundle's own business.
fn told(error: wasmtime::Error) -> String {
    error.root_cause().to_string()
}

struct Interpreter {
    store: Store<()>,
    instance: Instance,
    memory: Memory,
    values: BTreeMap<String, i32>,
}

impl Interpreter {
    fn step(&mut self, statement: &Statement) -> Outcome<()> {
        let result = self.evaluate(&statement.call)?;
        if let Some(name) = &statement.name {
            self.values.insert(name.clone(), value(&statement.call, result)?);
        }
        Ok(())
    }

    fn evaluate(&mut self, call: &Call) -> Outcome<Option<i32>> {
        let mut arguments = Vec::new();
        for argument in &call.arguments {
            arguments.push(match argument {
                Expression::Number(number) => *number,
                Expression::Text(text) => self.text(text)?,
                Expression::Name(name) => self.values.get(name).copied().unwrap_or_default(),
                Expression::Call(inner) => {
                    let result = self.evaluate(inner)?;
                    value(inner, result)?
                }
            });
        }
        self.call(&call.symbol(), &arguments)
    }

    /// Calls an export. Numbers and addresses are 32 bits wide, all of them.
    fn call(&mut self, symbol: &str, arguments: &[i32]) -> Outcome<Option<i32>> {
        let function = self.instance.get_func(&mut self.store, symbol);
        let function = function.ok_or_else(|| format!("no module has `{symbol}`"))?;
        let count = function.ty(&self.store).params().len();
        if count != arguments.len() {
            return Err(format!("`{symbol}` takes {count} arguments, not {}", arguments.len()));
        }
        let arguments: Vec<Val> = arguments.iter().copied().map(Val::I32).collect();
        let mut results = vec![Val::I32(0); function.ty(&self.store).results().len()];
        function.call(&mut self.store, &arguments, &mut results).map_err(told)?;
        Ok(results.first().and_then(Val::i32))
    }

    /// Puts a text into the memory of the bundle.
    fn text(&mut self, text: &str) -> Outcome<i32> {
        let length = i32::try_from(text.len()).map_err(|_| "a text is too long")?;
        let address =
            self.call("toy_text_new", &[length])?.ok_or("`toy_text_new` has no result")?;
        // The length comes first, four bytes of it.
        let at = address.cast_unsigned() as usize + 4;
        let written = self.memory.write(&mut self.store, at, text.as_bytes());
        written.map_err(|_| "a text beyond the memory")?;
        Ok(address)
    }
}

/// What a call came to, where a value is needed.
fn value(call: &Call, result: Option<i32>) -> Outcome<i32> {
    result.ok_or_else(|| format!("`{}` returns nothing", call.symbol()))
}
