//! Models of APIs that many know, each as strict as the real one is.

pub(crate) mod cms;
pub(crate) mod rest;
pub(crate) mod servers;
