//! `shardq completions`.

use clap::Args;
use clap_complete::Shell;

/// Print a shell completion script
#[derive(Args)]
#[command(after_help = "\
Examples:
  shardq completions bash > ~/.local/share/bash-completion/completions/shardq
  shardq completions zsh > ~/.zfunc/_shardq
  shardq completions fish > ~/.config/fish/completions/shardq.fish")]
pub struct CompletionsArgs {
    /// Generate completions for this shell
    #[arg(value_enum)]
    pub shell: Shell,
}
