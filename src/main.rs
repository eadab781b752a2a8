use clap::Parser;

#[derive(Parser)]
enum Cli {
    Demo(shardq::cli::demo::DemoArgs),
    #[command(external_subcommand)]
    NotYet(Vec<String>),
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match Cli::parse() {
        Cli::Demo(args) => {
            runtime.block_on(shardq::commands::demo::run(&args, std::io::stdout().lock()))?
        }
        Cli::NotYet(_) => {}
    }
    Ok(())
}
