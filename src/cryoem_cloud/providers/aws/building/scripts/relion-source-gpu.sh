# RELION from its source, for NVIDIA's GPUs from the T4 (compute 7.5) on; later ones compile its code
# for themselves when it is first run. --env RELION=5.0.1 chooses the version.
set -euo pipefail
version=${RELION:-5.0.1}

apt-get update
apt-get install -y cmake git build-essential mpi-default-bin mpi-default-dev libfftw3-dev \
    libtiff-dev libpng-dev zlib1g-dev csh ghostscript
cuda=$(ls -d /usr/local/cuda-12.* | sort -V | tail -n 1)
export PATH=$cuda/bin:$PATH
git clone --depth 1 --branch "$version" https://github.com/3dem/relion /tmp/relion
cmake -S /tmp/relion -B /tmp/relion/build -DCMAKE_INSTALL_PREFIX=/opt/relion -DGUI=OFF \
    -DFETCH_WEIGHTS=OFF -DCUDA=ON -DCUDA_ARCH=75 -DCUDA_TOOLKIT_ROOT_DIR="$cuda"
cmake --build /tmp/relion/build --parallel "$(nproc)" --target install
echo 'export PATH=/opt/relion/bin:$PATH' >/etc/profile.d/relion.sh
