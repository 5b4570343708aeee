//! The manifests of `samples/`: valid by the schemas of those who read them, and shown as they are.

#![cfg(test)]

mod manifests;
mod performance;
mod release;
mod shown;
mod troubleshooting;
mod variables;
