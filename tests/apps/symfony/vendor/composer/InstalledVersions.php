<?php
namespace Composer;

/** Symfony asks it which of its parts are there for developers only: none. */
class InstalledVersions
{
    public static function isInstalled(string $package, bool $dev = true): bool
    {
        return false;
    }
}
