//! The manifests of `samples/`: valid by the schemas of those who read them, and shown as they are.

#[cfg(test)]
mod manifests;
#[cfg(test)]
mod performance;
#[cfg(test)]
mod release;
#[cfg(test)]
mod shown;
#[cfg(test)]
mod troubleshooting;
mod variables;
