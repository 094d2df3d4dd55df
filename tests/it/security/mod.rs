//! What others can see and do: nothing of a store, and nothing by what lies in predictable places or by a hostile tree.

mod closed;
mod hostile;
mod races;
mod strangers;
