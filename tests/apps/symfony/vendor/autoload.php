<?php
// Debian's packages have autoloaders of their own.
require_once __DIR__ . '/composer/InstalledVersions.php';
require_once 'Symfony/Component/Yaml/autoload.php';
require_once 'Symfony/Bundle/FrameworkBundle/autoload.php';
require_once __DIR__ . '/../src/Kernel.php';
