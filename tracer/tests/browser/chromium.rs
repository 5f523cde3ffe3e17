//! A browser without a screen, driven over the DevTools protocol: JSON through a pair of pipes, each
//! message ended by NUL (content/browser/devtools/devtools_pipe_handler.cc, Chromium 156).

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use serde_json::{Value, json};

/// No page takes so long.
const PATIENCE: Duration = Duration::from_mins(2);
pub(crate) const WIDTH: u32 = 1440;
pub(crate) const HEIGHT: u32 = 1000;

pub(crate) struct Browser {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    profile: PathBuf,
    session: Option<String>,
    next: u64,
    events: Vec<Value>,
    _guard: Sender<()>,
}

impl Browser {
    pub(crate) fn start() -> Self {
        let profile = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!(
            "browser-{}-{:?}",
            std::process::id(),
            std::thread::current().id()
        ));
        // Its ends of the pipes are to be 3 and 4. It runs as root in guests and containers, too, where
        // it can have no sandbox; what it opens is ours.
        let script = "exec chromium --headless=new --remote-debugging-pipe --no-sandbox --no-first-run \
            --disable-gpu --disable-dev-shm-usage --hide-scrollbars --user-data-dir=\"$0\" \
            3<&0 4>&1 0</dev/null 1>/dev/null 2>/dev/null";
        let mut child = Command::new("sh")
            .args(["-c", script])
            .arg(&profile)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let group = Pid::from_raw(child.id() as i32);
        let (guard, done) = channel::<()>();
        std::thread::spawn(move || {
            if done.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                let _ = killpg(group, Signal::SIGKILL);
            }
        });
        let to = child.stdin.take().expect("a pipe");
        let from = BufReader::new(child.stdout.take().expect("a pipe"));
        let (session, events) = (None, Vec::new());
        let mut browser =
            Self { child, to, from, profile, session, next: 0, events, _guard: guard };
        let target = browser.call("Target.createTarget", &json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = browser.call("Target.attachToTarget", &attach);
        browser.session = attached["sessionId"].as_str().map(ToOwned::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network", "Accessibility"] {
            browser.call(&format!("{domain}.enable"), &json!({}));
        }
        browser.call("Page.setLifecycleEventsEnabled", &json!({ "enabled": true }));
        let screen = json!({
            "width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 2, "mobile": false,
        });
        browser.call("Emulation.setDeviceMetricsOverride", &screen);
        browser
    }

    /// Calls a method and returns its result; events that come meanwhile are kept.
    pub(crate) fn call(&mut self, method: &str, params: &Value) -> Value {
        self.next += 1;
        let mut message = json!({ "id": self.next, "method": method, "params": params });
        if let Some(session) = &self.session {
            message["sessionId"] = session.as_str().into();
        }
        self.to.write_all(format!("{message}\0").as_bytes()).expect("chromium listens");
        loop {
            let mut answer = self.read();
            if answer["id"] == self.next {
                assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
                return answer["result"].take();
            }
            self.events.push(answer);
        }
    }

    fn read(&mut self) -> Value {
        let mut message = Vec::new();
        self.from.read_until(0, &mut message).expect("chromium talks");
        assert_eq!(message.pop(), Some(0), "chromium has ended: is it installed?");
        serde_json::from_slice(&message).expect("JSON")
    }

    /// Opens a file, and waits until it is loaded.
    pub(crate) fn open(&mut self, file: &Path) {
        let url = format!("file://{}", file.display());
        let navigation = self.call("Page.navigate", &json!({ "url": url }));
        // Not that of the empty page before, which may come late.
        let is_loaded = |event: &Value| {
            event["params"]["name"] == "load"
                && event["params"]["loaderId"] == navigation["loaderId"]
        };
        while !self.events.iter().any(is_loaded) {
            let event = self.read();
            self.events.push(event);
        }
        self.settle();
    }

    /// What an expression of the page is.
    pub(crate) fn ask(&mut self, expression: &str) -> Value {
        let params =
            json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let mut answer = self.call("Runtime.evaluate", &params);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].take()
    }

    /// The text of an element, as it is seen.
    pub(crate) fn text(&mut self, id: &str) -> String {
        let text = self.ask(&format!("document.getElementById('{id}').innerText"));
        text.as_str().unwrap_or_else(|| panic!("{id} has text, not {text}")).to_owned()
    }

    /// Waits until what was done is drawn.
    pub(crate) fn settle(&mut self) {
        self.ask(
            "new Promise(r => requestAnimationFrame(() => requestAnimationFrame(() => r(1))))",
        );
    }

    /// Presses a key. `name` is a character, or a key's name.
    pub(crate) fn press(&mut self, name: &str) {
        let code = match name {
            "Enter" => 13,
            "Escape" => 27,
            "ArrowDown" => 40,
            "ArrowRight" => 39,
            _ => 0,
        };
        let mut key = json!({ "type": "keyDown", "key": name, "windowsVirtualKeyCode": code });
        match name {
            "Enter" => key["text"] = "\r".into(),
            name if name.chars().count() == 1 => key["text"] = name.into(),
            _ => key["type"] = "rawKeyDown".into(),
        }
        self.call("Input.dispatchKeyEvent", &key);
        key["type"] = "keyUp".into();
        self.call("Input.dispatchKeyEvent", &key);
        self.settle();
    }

    pub(crate) fn write(&mut self, text: &str) {
        text.chars().for_each(|character| self.press(&character.to_string()));
    }

    /// Moves the mouse to a place in the window.
    pub(crate) fn point(&mut self, (x, y): (f64, f64)) {
        self.call("Input.dispatchMouseEvent", &json!({ "type": "mouseMoved", "x": x, "y": y }));
        self.settle();
    }

    pub(crate) fn click(&mut self, (x, y): (f64, f64)) {
        for kind in ["mousePressed", "mouseReleased"] {
            let params = json!({ "type": kind, "x": x, "y": y, "button": "left", "clickCount": 1 });
            self.call("Input.dispatchMouseEvent", &params);
        }
        self.settle();
    }

    /// Turns the wheel away (negative: nearer), with Ctrl held.
    pub(crate) fn zoom(&mut self, (x, y): (f64, f64), by: f64) {
        let ctrl = 2;
        let params = json!({
            "type": "mouseWheel", "x": x, "y": y, "deltaX": 0, "deltaY": by, "modifiers": ctrl,
        });
        self.call("Input.dispatchMouseEvent", &params);
        self.settle();
    }

    pub(crate) fn prefers(&mut self, scheme: &str) {
        let feature = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.call("Emulation.setEmulatedMedia", &json!({ "features": feature }));
        self.settle();
    }

    /// Writes down what is on the screen, for those who want to look at it.
    pub(crate) fn screenshot(&mut self, name: &str) {
        self.picture(name, &json!({ "format": "png" }));
    }

    /// And what is below it.
    pub(crate) fn whole_screenshot(&mut self, name: &str) {
        let size = self.call("Page.getLayoutMetrics", &json!({}))["cssContentSize"].take();
        let clip = json!({
            "x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 0.5,
        });
        let all = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        self.picture(name, &all);
    }

    fn picture(&mut self, name: &str, how: &Value) {
        let picture = self.call("Page.captureScreenshot", how);
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("screenshots");
        fs::create_dir_all(&folder).expect("a folder");
        let text = picture["data"].as_str().expect("a picture");
        let mut decode = Command::new("base64")
            .arg("--decode")
            .stdin(Stdio::piped())
            .stdout(fs::File::create(folder.join(name)).expect("a file"))
            .spawn()
            .expect("coreutils");
        decode.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("it reads");
        assert!(decode.wait().expect("it ends").success());
    }

    /// Whatever the page complained of, and whatever it asked a network for.
    #[track_caller]
    pub(crate) fn has_no_complaints(&mut self) {
        self.settle();
        let bad = |event: &&Value| match event["method"].as_str() {
            Some("Runtime.exceptionThrown" | "Runtime.consoleAPICalled" | "Log.entryAdded") => true,
            Some("Network.requestWillBeSent") => event["params"]["type"] != "Document",
            _ => false,
        };
        let bad: Vec<String> = self.events.iter().filter(bad).map(Value::to_string).collect();
        assert!(bad.is_empty(), "{}", bad.join("\n"));
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = killpg(Pid::from_raw(self.child.id() as i32), Signal::SIGKILL);
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.profile);
    }
}
