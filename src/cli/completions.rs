//! `shardq completions`.

use clap::Args;
use clap_complete::Shell;

/// Print a shell's completions for shardq
#[derive(Args)]
#[command(after_help = "\
Examples:
  shardq completions bash > ~/.local/share/bash-completion/completions/shardq
  shardq completions zsh > ~/.zfunc/_shardq
  shardq completions fish > ~/.config/fish/completions/shardq.fish")]
pub struct CompletionsArgs {
    /// The shell that completes
    #[arg(value_enum)]
    pub shell: Shell,
}
