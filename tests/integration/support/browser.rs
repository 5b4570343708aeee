//! A real browser, without a screen: Debian's Chromium, driven as W3C's `WebDriver` says.

use super::BOOKWORM;
use super::docker::{Container, wait_until};
use base64::Engine;
use serde_json::{Value, json};
use std::net::TcpListener;

/// The name that `WebDriver` gives to a reference to an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with one window.
pub(crate) struct Browser {
    container: Container,
    agent: ureq::Agent,
    /// The address of the window's session at the driver.
    session: String,
}

impl Browser {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        // It sees the machine's loopback, as the browser of whoever runs the demo.
        let options = ["--network", "host", "--env", "HOME=/tmp", "--shm-size", "256m"];
        let command = ["chromedriver", &format!("--port={port}")];
        let container = Container::start(&options, &BOOKWORM.image("browser"), &command);
        let config = ureq::Agent::config_builder().http_status_as_error(false);
        let driver = format!("http://127.0.0.1:{port}");
        let mut browser = Self { container, agent: config.build().into(), session: driver };
        let status = format!("{}/status", browser.session);
        wait_until("chromedriver", || browser.agent.get(&status).call().is_ok());
        // The sandbox takes name spaces that a container does not have.
        let arguments =
            json!(["--headless=new", "--no-sandbox", "--hide-scrollbars", "--window-size=760,480"]);
        let options = json!({"args": arguments});
        let wanted = json!({"browserName": "chrome", "goog:chromeOptions": options});
        let session = browser.post("/session", &json!({"capabilities": {"alwaysMatch": wanted}}));
        let id = session["sessionId"].as_str().unwrap_or_else(|| panic!("{session}"));
        browser.session = format!("{}/session/{id}", browser.session);
        browser
    }

    /// Opens a page, and waits until it has loaded.
    pub(crate) fn open(&self, url: &str) {
        self.post("/url", &json!({"url": url}));
    }

    /// Clicks on what a CSS selector finds, and waits for the page that it leads to.
    pub(crate) fn click(&self, selector: &str) {
        let page = self.element("html");
        self.post(&format!("/element/{}/click", self.element(selector)), &json!({}));
        // The driver waits for what is loading by now, and a form may be sent a moment later.
        let name = format!("{}/element/{page}/name", self.session);
        let is_stale = || self.agent.get(&name).call().is_ok_and(|answer| answer.status() == 404);
        wait_until(&format!("the page after {selector}"), is_stale);
    }

    /// The text that is seen of what a CSS selector finds.
    pub(crate) fn text(&self, selector: &str) -> String {
        self.text_of(&self.element(selector))
    }

    /// As [`Self::text`], of everything that the selector finds, which may be nothing.
    pub(crate) fn texts(&self, selector: &str) -> Vec<String> {
        let found = self.post("/elements", &json!({"using": "css selector", "value": selector}));
        let elements = found.as_array().expect("elements").iter();
        elements.map(|it| self.text_of(it[ELEMENT].as_str().expect("an element"))).collect()
    }

    /// A picture of the window, as PNG.
    pub(crate) fn screenshot(&self) -> Vec<u8> {
        let picture = self.get("/screenshot");
        let picture = picture.as_str().expect("base64");
        base64::engine::general_purpose::STANDARD.decode(picture).expect("base64")
    }

    fn element(&self, selector: &str) -> String {
        let found = self.post("/element", &json!({"using": "css selector", "value": selector}));
        found[ELEMENT].as_str().expect("an element").to_owned()
    }

    fn text_of(&self, element: &str) -> String {
        let text = self.get(&format!("/element/{element}/text"));
        text.as_str().expect("a text").to_owned()
    }

    fn get(&self, path: &str) -> Value {
        self.value(path, self.agent.get(format!("{}{path}", self.session)).call())
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let request = self.agent.post(format!("{}{path}", self.session));
        let request = request.header("Content-Type", "application/json");
        self.value(path, request.send(body.to_string()))
    }

    fn value(
        &self,
        path: &str,
        response: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Value {
        let mut response = response.unwrap_or_else(|error| panic!("{path}: {error}"));
        let body = response.body_mut().read_to_string().expect("a body");
        let answer: Value = serde_json::from_str(&body).expect("JSON");
        let value = answer["value"].clone();
        assert!(response.status().is_success(), "{path}: {value}\n{}", self.container.logs());
        value
    }
}
