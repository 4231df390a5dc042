//! A part of a list.

/// Which part is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// At most so many.
    pub limit: u32,
    /// After leaving out so many.
    pub offset: u32,
}

impl Page {
    /// Cuts the part out of a whole list.
    pub fn of<T>(self, whole: Vec<T>) -> Part<T> {
        let total = whole.len() as u64;
        let items = whole.into_iter().skip(self.offset as usize).take(self.limit as usize).collect();
        Part { items, total }
    }
}

/// A part, and how many the whole list has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part<T> {
    pub items: Vec<T>,
    pub total: u64,
}
