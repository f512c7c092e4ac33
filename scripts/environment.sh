# Sourced by the scripts beside it: goes to the project's folder, and puts its tools and uv on PATH.

case "${1:-}" in
-h | --help)
    sed -n '2,/^$/s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
esac

cd "$(dirname "${BASH_SOURCE[0]}")/.."
unset VIRTUAL_ENV
export ENTREPOT_TOOLS="${ENTREPOT_TOOLS:-$PWD/.cache/tools}"
export PATH="$ENTREPOT_TOOLS/bin:$ENTREPOT_TOOLS/uv/bin:$PATH"

if ! command -v uv >/dev/null; then
    # --target works under an externally managed Python too, and touches nothing outside this folder.
    echo "uv is not on PATH: installing it into $ENTREPOT_TOOLS/uv" >&2
    python3 -m pip install --quiet --target "$ENTREPOT_TOOLS/uv" uv==0.13.9 >&2
fi
